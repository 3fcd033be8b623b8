"""Whether a run does better than a constant, and what it learns holds for its samples alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossmon.records import EpochRecord, Split
from lossmon.rules.baselines import AS_BAD, baseline, lead_over
from lossmon.rules.epochs import records_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.progress import FEWEST, WINDOW, falling
from lossmon.rules.series import BLOCK, Series, loss_series, share_error
from lossmon.rules.standing import raised_at
from lossmon.rules.trend import critical

# By how much an accuracy lies above the constant's by accident.
_LITTLE = 0.03
# Share of one class from which on the accuracy hardly tells whether the others are known.
_DOMINANT = 0.8


@dataclass(frozen=True, slots=True)
class Beside:
    """The loss of one split beside that of the best constant answer.

    Attributes:
        output: the output that it belongs to.
        series: its loss.
        records: the same epochs.
        constant: the loss of the best constant answer to the labels of the last of them.
    """

    output: OutputFacts
    series: Series
    records: list[EpochRecord]
    constant: float

    @classmethod
    def of(cls, facts: Facts, output: OutputFacts, split: Split) -> Beside | None:
        """None where there is no such loss, or no constant to compare with."""
        series = loss_series(facts, output, split)
        known = {record.epoch: record for record in records_of(facts, output, split)}
        records = [] if series is None else [known[epoch] for epoch in series.epochs]
        best = baseline(output, records[-1]) if records else None
        return None if series is None or best is None else cls(output, series, records, best.loss)

    def __len__(self) -> int:
        return len(self.series)

    def first(self, count: int) -> Beside:
        """The oldest epochs alone."""
        best = baseline(self.output, self.records[count - 1])
        parts = self.output, self.series.first(count), self.records[:count]
        return Beside(*parts, self.constant if best is None else best.loss)

    def until(self, epoch: int) -> Beside | None:
        """The epochs up to one; None where there are none."""
        count = sum(each <= epoch for each in self.series.epochs)
        return self.first(count) if count else None

    @property
    def never_better(self) -> bool:
        """Whether no three epochs together had a loss surely below the constant's."""
        # The medians, as the least of many epochs is low by accident. Not less what noise explains:
        # where a class is rare, that is as much as the constant's loss.
        return len(self) >= BLOCK and bool(self.series.blocks().min() >= AS_BAD * self.constant)

    @property
    def is_better(self) -> bool:
        """Whether the last three epochs together have a loss below the constant's."""
        return len(self) >= BLOCK and bool(self.series.blocks()[-1] < AS_BAD * self.constant)

    def exceeds(self, epochs: int, *, surely: bool = False) -> bool:
        """Whether each of the last epochs has a loss above the constant's.

        Args:
            epochs: how many.
            surely: by more than the standard error of the loss explains.
        """
        recent, needed = self.series.last(epochs), critical() if surely else 0.0
        for record, least in zip(
            self.records[-epochs:], recent.values - needed * recent.errors, strict=True
        ):
            best = baseline(self.output, record)
            if best is None or least < best.loss:
                return False
        return True

    def tells_more(self, *, surely: bool = False) -> bool:
        """Whether its answers are right more often than a constant's, or find rare classes.

        Args:
            surely: beyond what chance gives in any epoch of the run.
        """
        needed = critical(len(self) if surely else 1)
        recent = self.records[-FEWEST:]
        return self._is_right_more_often(recent, needed, surely=surely) or _finds_rare_classes(
            recent, needed
        )

    def _is_right_more_often(
        self, recent: list[EpochRecord], needed: float, *, surely: bool
    ) -> bool:
        known = [(lead_over(self.output, record), record) for record in recent]
        leads = [(lead, record) for lead, record in known if lead is not None]
        if not leads:
            return False
        # The same samples in each epoch: more epochs do not make the share better known.
        least = needed * share_error(leads[-1][1])
        mean = float(np.mean([lead for lead, _ in leads]))
        return mean > (least if surely else min(_LITTLE, least))


def memorises(facts: Facts, output: OutputFacts) -> bool:
    """Whether an output learns its training data, and never did better than a constant on others.

    The median of its validation loss over three epochs was never, in ten epochs or more, below
    `AS_BAD` of the constant's, and the loss lies above that now without falling; its accuracy is
    not above the constant's, surely or by more than three points, nor are rare classes surely found
    more often than by chance; and the training loss is below `AS_BAD` of the constant's. From then
    on it does so until its validation loss or its answers are surely better than a constant's.

    Args:
        facts: what is known of the run.
        output: the output in question.
    """
    train, val = (Beside.of(facts, output, split) for split in ("train", "val"))
    if train is None or val is None or not learns_by_heart(train, val):
        return False
    count = raised_at(
        len(val),
        raised=lambda n: memorises_now(train, val.first(n)),
        holds=lambda n: still_no_better(val.first(n)),
    )
    return count is not None


def memorises_now(train: Beside, val: Beside) -> bool:
    """The same, of the last of these epochs of validation and those of training before it."""
    known = train.until(val.series.epochs[-1])
    if known is None or min(len(known), len(val)) < WINDOW or not learns_by_heart(known, val):
        return False
    return val.exceeds(FEWEST) and not val.tells_more() and not falling(val.series)


def learns_by_heart(train: Beside, val: Beside) -> bool:
    """Whether the training loss is below a constant's, and the validation loss never was."""
    return train.is_better and val.never_better and val.exceeds(1)


def still_no_better(judged: Beside) -> bool:
    """Whether nothing shows that an output has come to do better than a constant."""
    return len(judged) >= FEWEST and not judged.is_better and not judged.tells_more(surely=True)


def never_better(facts: Facts, output: OutputFacts) -> bool:
    """Whether neither validation loss nor answers were ever better than a constant's."""
    val = Beside.of(facts, output, "val")
    return val is not None and val.never_better and not val.tells_more()


def _finds_rare_classes(recent: list[EpochRecord], needed: float) -> bool:
    found = [sure for record in recent if (sure := _agreement(record)) is not None]
    return bool(found) and float(np.mean(found)) > needed


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
