"""Spans of epochs that are looked at, and what changed over each."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Blocks, Changes, Floats, blocks, changes
from lossmon.analysis.paired import Paired
from lossmon.analysis.steadied import slope, steadied_error

Kind = Literal["loss_rises", "both_rise", "both_fall"]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

# Blocks that are compared with one another: of longer runs only so many.
_MOST_BLOCKS = 400
# An accuracy holds where it fell by fewer standard errors than this (one-sided 5 %, one look), or
# by less than three points.
_HELD_ERRORS, _HELD_POINTS = 1.645, 0.03


class Series(NamedTuple):
    """Loss and accuracy of one run by epoch, shape `(E,)` each.

    Attributes:
        loss, loss_error: mean loss, its logarithm where all are above 0, and its standard error.
        accuracy, accuracy_error: share predicted right and its standard error.
        covariance: of loss and accuracy; not finite where it is not known.
        logarithmic: whether the loss is a logarithm.
        paired: sampling covariances of the epochs, where they are known.
    """

    loss: Floats
    loss_error: Floats
    accuracy: Floats
    accuracy_error: Floats
    covariance: Floats
    logarithmic: bool
    paired: Paired | None

    @classmethod
    def of(cls, rows: Floats, covariance: Floats, known: Paired | None) -> Series:
        """From rows of loss, its error, accuracy and its error: losses compare by their ratios."""
        loss, loss_error, accuracy, accuracy_error = rows
        if not (loss > 0).all():
            return cls(loss, loss_error, accuracy, accuracy_error, covariance, False, known)
        scaled = None if known is None else known.scaled(loss)
        relative = loss_error / loss, accuracy, accuracy_error, covariance / loss
        return cls(np.log(loss), *relative, True, scaled)

    def steadied(self, size: int) -> Blocks | None:
        """The loss less what goes with the accuracy; None where their covariance is not known."""
        if not np.isfinite(self.covariance).all():
            return None
        by = slope(self.loss, self.accuracy)
        error = steadied_error(self.loss_error, self.accuracy_error, self.covariance, by)
        among = None if self.paired is None else self.paired.steadied(by)
        return blocks(self.loss - by * self.accuracy, error, size, among)


class Spans(NamedTuple):
    """All spans looked at: from which block to which, and what changed; shape `(S,)`.

    Attributes:
        first, last: the blocks.
        loss, accuracy: how both changed.
        steadied: how the loss changed apart from what goes with the accuracy; at most as much as it
            did, so that a rising accuracy makes no rise of the loss.
        looks: how many spans there are to be wrong about, for a rise and for a fall.
    """

    first: Places
    last: Places
    loss: Changes
    accuracy: Changes
    steadied: Changes
    looks: int

    @classmethod
    def of(
        cls, loss: Blocks, steadied: Blocks, accuracy: Blocks, size: int, shared: float
    ) -> Spans:
        """Compare all blocks of so many epochs that share none."""
        count = len(loss.medians)
        first, last = _pairs(count, size)
        changed = changes(loss, first, last, shared)
        return cls(
            first,
            last,
            changed,
            changes(accuracy, first, last, shared),
            changes(steadied, first, last, shared).at_most(changed.sizes),
            # Spans of blocks that overlap by more than half are one and the same look.
            2 * len(_pairs(count, size, -(-size // 2))[0]),
        )

    def kinds(self, level: float, least: float) -> dict[Kind, Bools]:
        """Which spans are episodes of which kind.

        Args:
            level: of significance, of one look.
            least: what a loss must change by.
        """
        loss, accuracy = self.loss, self.accuracy
        rises = (self.steadied.tails(rising=True) < level) & (loss.sizes >= least)
        loss_up = (loss.tails(rising=True) < level) & (loss.sizes >= least)
        loss_down = (loss.tails(rising=False) < level) & (loss.sizes <= -least)
        accuracy_up = accuracy.tails(rising=True) < level
        accuracy_down = accuracy.tails(rising=False) < level
        held = (accuracy.ratios > -_HELD_ERRORS) | (accuracy.sizes > -_HELD_POINTS)
        return {
            "loss_rises": rises & ~accuracy_up & held,
            "both_rise": loss_up & accuracy_up,
            "both_fall": loss_down & accuracy_down,
        }


def block_size(epochs: int) -> int:
    """Longer runs have room for more smoothing, and more epochs that may stick out."""
    return 3 if epochs < 30 else 5 if epochs < 100 else 7


def _pairs(count: int, size: int, stride: int = 1) -> tuple[Places, Places]:
    """Blocks that share no epoch, two by two."""
    stride = max(stride, math.ceil(count / _MOST_BLOCKS))
    chosen = np.unique(np.append(np.arange(0, count, stride), count - 1))
    first, last = np.triu_indices(len(chosen), 1)
    first, last = chosen[first], chosen[last]
    apart = last - first >= size
    return first[apart], last[apart]
