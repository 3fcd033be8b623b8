"""Whether what a run learns holds for its training samples alone."""

from __future__ import annotations

import numpy as np

from lossmon.records import EpochRecord
from lossmon.rules.baselines import AS_BAD, above_constant, constant_loss, lead_over
from lossmon.rules.epochs import records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import FEWEST, WINDOW, falling
from lossmon.rules.series import loss_series, share_error
from lossmon.rules.trend import critical

# By how much an accuracy lies above the constant's by accident.
_LITTLE = 0.03
# Share of one class from which on the accuracy hardly tells whether the others are known.
_DOMINANT = 0.8


def memorises(facts: Facts, output: OutputFacts) -> bool:
    """Whether an output learns its training data, and never did better than a constant on others.

    The median of its validation loss over three epochs was never, in ten epochs or more, below
    `AS_BAD` of the constant's, and the loss lies above that now without falling; its accuracy is
    not above the constant's, surely or by more than three points, nor are rare classes surely found
    more often than by chance; and the training loss is below `AS_BAD` of the constant's.

    Args:
        facts: what is known of the run.
        output: the output in question.
    """
    train, val = (loss_series(facts, output, split) for split in ("train", "val"))
    if train is None or val is None or min(len(train), len(val)) < WINDOW or falling(val):
        return False
    constant, other = constant_loss(facts, output, train), constant_loss(facts, output, val)
    if constant is None or other is None:
        return False
    # The medians, as the least of many epochs is low by accident. Not less what noise explains:
    # where a class is rare, that is as much as the constant's loss.
    if train.blocks()[-1] > AS_BAD * constant or val.blocks().min() < AS_BAD * other:
        return False
    if not above_constant(facts, output, val.last(FEWEST)):
        return False
    recent = records_of(facts, output, "val")[-FEWEST:]
    return not _is_right_more_often(output, recent) and not _finds_rare_classes(recent)


def _is_right_more_often(output: OutputFacts, recent: list[EpochRecord]) -> bool:
    known = [(lead_over(output, record), record) for record in recent]
    leads = [(lead, record) for lead, record in known if lead is not None]
    if not leads:
        return False
    # The same samples in each epoch: more epochs do not make the share better known.
    surely = critical() * share_error(leads[-1][1])
    return float(np.mean([lead for lead, _ in leads])) > min(_LITTLE, surely)


def _finds_rare_classes(recent: list[EpochRecord]) -> bool:
    found = [sure for record in recent if (sure := _agreement(record)) is not None]
    return bool(found) and float(np.mean(found)) > critical()


def _agreement(record: EpochRecord) -> float | None:
    """Standard errors by which predictions agree with labels more often than by chance.

    Source: the numerator of Cohen's kappa (1960) over its standard deviation when labels are dealt
    out anew among the samples.

    Returns:
        None where no class dominates, and where samples have several labels or one prediction.
    """
    rows = record.class_counts or ()
    count, predicted, right = (
        np.array([row[key] for row in rows], float) for key in ("count", "predicted", "correct")
    )
    n = count.sum()
    if n < 2 or predicted.sum() != n or count.max() < _DOMINANT * n or predicted.max() == n:
        return None
    labels, answers = count / n, predicted / n
    chance = float(labels @ answers)
    both = float((labels * answers) @ (labels + answers))
    variance = (chance + chance**2 - both) / (n - 1)
    return float((right.sum() / n - chance) / np.sqrt(variance)) if variance > 0 else None
