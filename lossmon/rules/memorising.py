"""Whether what a run learns holds for its training samples alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossmon.rules.baselines import above_constant, constant_loss, lead_over
from lossmon.rules.epochs import records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import FEWEST, WINDOW, falling
from lossmon.rules.series import loss_series, share_error
from lossmon.rules.trend import critical

# Part of the constant's loss above which there is no gain to speak of.
AS_BAD = 0.95
# Part of the constant's loss by which labels without any relation fall below it by accident, and
# by how much their accuracy lies above the constant's.
LEAST_GAIN = 0.03


def memorises(facts: Facts, output: OutputFacts) -> bool:
    """Whether an output learns its training data, and never did better than a constant on others.

    Its validation loss was in no epoch, of ten or more, surely below the constant's by
    `LEAST_GAIN` of it, and lies above it now without falling; its accuracy is not above the
    constant's, surely or by more than `LEAST_GAIN`; and the training loss is below the constant's.

    Args:
        facts: what is known of the run.
        output: the output in question.
    """
    train, val = (loss_series(facts, output, split) for split in ("train", "val"))
    if train is None or val is None or min(len(train), len(val)) < WINDOW:
        return False
    constant = constant_loss(facts, output, train)
    if constant is None or train.blocks()[-1] > AS_BAD * constant or falling(val):
        return False
    perhaps = replace(val, values=val.values + critical() * val.errors)
    if not above_constant(facts, output, perhaps, at_least=1.0 - LEAST_GAIN):
        return False
    if not above_constant(facts, output, val.last(FEWEST)):
        return False
    recent = records_of(facts, output, "val")[-FEWEST:]
    leads = [lead for record in recent if (lead := lead_over(output, record)) is not None]
    # The same samples in each epoch: more epochs do not make the share better known.
    return not leads or float(np.mean(leads)) <= min(
        LEAST_GAIN, critical() * share_error(recent[-1])
    )
