"""The epochs of one output as series of values with their standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lossmon.records import EpochRecord, Split
from lossmon.rules.epochs import loss_of, records_of, samples_of
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.families import BINARY_LOSSES
from lossmon.rules.trend import Floats, wobble

# Epochs whose mean stands for the state of a run at one time.
BLOCK = 3
# Correlation of the values of one sample between two epochs: in real runs it is larger.
SHARED = 0.5
# Reductions under which an epoch's loss is the mean of its samples' losses.
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class Point(NamedTuple):
    """The value of one epoch.

    Attributes:
        epoch: its number, from 0.
        value: as it was recorded.
    """

    epoch: int
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each epoch, oldest first.

    Attributes:
        split: of which split.
        epochs: numbers of the epochs, from 0.
        values: their values.
        errors: standard error of each, from the spread of its samples.
    """

    split: Split
    epochs: tuple[int, ...]
    values: Floats
    errors: Floats

    def __len__(self) -> int:
        return len(self.epochs)

    def last(self, count: int) -> Series:
        """The most recent epochs alone."""
        return self.since(max(len(self) - count, 0))

    def since(self, index: int) -> Series:
        """The epochs from a position on."""
        parts = self.epochs[index:], self.values[index:], self.errors[index:]
        return Series(self.split, *parts)

    def first(self, count: int) -> Series:
        """The oldest epochs alone."""
        parts = self.epochs[:count], self.values[:count], self.errors[:count]
        return Series(self.split, *parts)

    def log(self) -> Series:
        """The logarithms, in which losses of all sizes compare; itself where values are not > 0."""
        if not len(self) or self.values.min() <= 0:
            return self
        return replace(self, values=np.log(self.values), errors=self.errors / self.values)

    def blocks(self) -> Floats:
        """Medians of all `BLOCK` neighbouring epochs, so that one epoch's spike is no change."""
        if len(self) < BLOCK:
            return np.empty(0)
        return np.asarray(np.median(sliding_window_view(self.values, BLOCK), axis=1))

    def typical(self, block: int) -> Point:
        """The epoch of a block whose value is the block's median.

        Args:
            block: position in `blocks()`; -1 is the last one.
        """
        start = block % (len(self) - BLOCK + 1)
        place = start + int(np.argsort(self.values[start : start + BLOCK])[BLOCK // 2])
        return Point(self.epochs[place], float(self.values[place]))

    def lowest(self, block: int) -> Point:
        """The epoch of a block with the least value.

        Args:
            block: position in `blocks()`.
        """
        place = block + int(self.values[block : block + BLOCK].argmin())
        return Point(self.epochs[place], float(self.values[place]))

    def least(self) -> Point:
        """The epoch with the least value of all."""
        place = int(self.values.argmin())
        return Point(self.epochs[place], float(self.values[place]))

    def changes(self) -> Floats:
        """Standard errors by which the last block lies above each block, itself the last one.

        Two errors are added: of the samples, and of what wobbles from epoch to epoch. Epochs of one
        split see the same samples, whose values go together; a correlation of `SHARED` is assumed.
        """
        if len(self) < BLOCK:
            return np.empty(0)
        squares = np.mean(sliding_window_view(self.errors**2, BLOCK), axis=1)
        shared = 2 * SHARED * np.sqrt(squares * squares[-1])
        # The median of a normal sample varies by pi / 2 times what its mean does.
        noise = wobble(self.values) ** 2 * math.pi / (2 * BLOCK)
        error = np.sqrt(np.maximum(squares + squares[-1] - shared, 0.0) + 2 * noise)
        rises = self.blocks()[-1] - self.blocks()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = rises / error
        return np.nan_to_num(ratios, nan=0.0, posinf=math.inf, neginf=-math.inf)


def loss_series(facts: Facts, output: OutputFacts, split: Split) -> Series | None:
    """The data loss of each epoch, without penalties.

    Returns:
        None where training does not call the loss as Keras does, where the loss is not one of
        Keras' own or no mean over samples, and where no epoch has a finite value.
    """
    if output.loss is None or output.loss.reduction not in _MEANS:
        return None
    points = [
        (record.epoch, loss, error)
        for record in records_of(facts, output, split)
        if (loss := loss_of(record)) is not None
        and (error := _loss_error(record, loss, output)) is not None
    ]
    return _series(split, points)


def accuracy_series(facts: Facts, output: OutputFacts, split: Split) -> Series | None:
    """The share of elements predicted right in each epoch; None where none is known."""
    if output.loss is None:
        return None
    points = [
        (record.epoch, record.correct / record.judged, share_error(record))
        for record in records_of(facts, output, split)
        if record.correct is not None and record.judged
    ]
    return _series(split, points)


def _loss_error(record: EpochRecord, loss: float, output: OutputFacts) -> float | None:
    """Standard error of an epoch's loss, taking the elements of one sample for one observation."""
    samples = samples_of(record)
    if record.loss_squares is None or samples < 2 or not math.isfinite(record.loss_squares):
        return None
    elements = _elements(record, output, samples)
    if elements is None:
        return None
    square = record.loss_squares / elements
    mean = loss if record.coverage >= 1.0 else _mean_of_judged(record)
    # Squares are not weighted: under weights they bound the spread by themselves.
    variance = square if output.weighted or mean is None else square - mean**2
    return math.sqrt(max(variance, 0.0) / samples)


def _mean_of_judged(record: EpochRecord) -> float | None:
    """The mean loss of what was recomputed of an epoch; None where it was not told apart."""
    if record.correct is None or not record.judged:
        return None
    share = record.correct / record.judged
    return share * (record.loss_correct or 0.0) + (1 - share) * (record.loss_wrong or 0.0)


def _elements(record: EpochRecord, output: OutputFacts, samples: float) -> float | None:
    """Losses that were squared: one for each sample and position before the last axis."""
    several_labels = output.loss is not None and output.loss.name in BINARY_LOSSES
    if record.judged and (output.units == 1 or not several_labels):
        return record.judged
    shape = output.record.shape or ()
    return None if output.masked else samples * math.prod(n for n in shape[1:-1] if n is not None)


def share_error(record: EpochRecord) -> float:
    """Binomial standard error of a share, one success and one failure added (Agresti, Coull)."""
    assert record.correct is not None
    assert record.judged
    samples = min(samples_of(record), record.judged)
    right = samples * record.correct / record.judged
    share = (right + 1) / (samples + 2)
    return math.sqrt(share * (1 - share) / (samples + 2))


def _series(split: Split, points: list[tuple[int, float, float]]) -> Series | None:
    if not points:
        return None
    epochs, values, errors = zip(*points, strict=True)
    return Series(split, epochs, np.array(values, float), np.array(errors, float))
