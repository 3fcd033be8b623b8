"""Recorded validation samples of two epochs: what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.decomposition import Turns, turns
from lossmon.errors import InvalidArgument
from lossmon.records import SampleRecord

Places = npt.NDArray[np.intp]
SampleReader = Callable[[str | None, Sequence[int]], Sequence[SampleRecord]]
"""Gives an output's samples of some epochs, those that were recorded, ascending."""


class TurnedSamples(NamedTuple):
    """What became of each sample between two epochs.

    Positions are those in the validation data, from 0; within each group the samples come first
    whose loss rose most.

    Attributes:
        turns: how many there are of each kind, and what they add to the change of the mean loss.
        stayed_right, stayed_wrong, turned_wrong, turned_right: which ones.
    """

    turns: Turns
    stayed_right: Places
    stayed_wrong: Places
    turned_wrong: Places
    turned_right: Places

    def document(self, most: int = 20) -> dict[str, Any]:
        """Return the same as plain values.

        Args:
            most: so many positions of each kind at most.
        """
        return {
            name: {**change._asdict(), "positions": getattr(self, name)[:most].tolist()}
            for name, change in self.turns._asdict().items()
        }


def same_samples(one: SampleRecord, two: SampleRecord) -> bool:
    """Whether two records are of the same samples in the same order.

    Args:
        one: samples of an epoch, as `Store.samples` gives them.
        two: of another epoch, or another run.
    """
    if one.samples is None or two.samples is None:
        return False
    return one.samples is two.samples or np.array_equal(one.samples.keys, two.samples.keys)


def turned_samples(before: SampleRecord, after: SampleRecord) -> TurnedSamples:
    """Sort the samples by what became of them between two epochs.

    Args:
        before: of a classifier, as `Store.samples` gives it.
        after: of the same samples in a later epoch.

    Raises:
        InvalidArgument: they are not the same samples, or not told right from wrong.
    """
    if before.correct is None or after.correct is None or not same_samples(before, after):
        raise InvalidArgument(
            "expected two epochs of the same samples, predicted right or wrong. "
            f"Received: epochs {before.epoch} and {after.epoch} of other samples, or of a "
            "regression. Fix: two epochs of one run whose validation data are not shuffled."
        )
    was, has = before.correct, after.correct
    rise = after.loss.astype(np.float64) - before.loss
    return TurnedSamples(
        turns(before.loss, was, after.loss, has),
        *(_by_rise(rise, of) for of in (was & has, ~was & ~has, was & ~has, ~was & has)),
    )


def _by_rise(rise: npt.NDArray[np.float64], of: npt.NDArray[np.bool_]) -> Places:
    places = np.flatnonzero(of)
    return places[np.argsort(-rise[places], kind="stable")]
