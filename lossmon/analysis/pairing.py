"""The samples that runs share, and how the mean of a value differs on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from lossmon.analysis.intervals import Interval, accelerated, mean_error, resampled
from lossmon.analysis.measured import Measured, Samples
from lossmon.analysis.noise import Floats
from lossmon.analysis.ranking import Area, area_of


class Pairing:
    """Runs sample by sample.

    Runs of the same samples are resampled together, once for all pairs of them.

    Args:
        runs: of different names.
    """

    def __init__(self, runs: Sequence[Measured]) -> None:
        self._samples = {r.name: _in_order(r.samples) for r in runs if r.samples is not None}
        self._areas: dict[str, Area | None] = {}
        self._drawn: dict[bytes, dict[str, Floats]] = {}

    def shared(self, one: str, two: str) -> tuple[Samples, Samples] | None:
        """The samples that both runs judged, in one order; None where there are none."""
        first, second = self._samples.get(one), self._samples.get(two)
        if first is None or second is None:
            return None
        if first.keys is None or second.keys is None:
            same = first.keys is second.keys and first.loss.shape == second.loss.shape
            return (first, second) if same else None
        if _identity(first) == _identity(second):
            return first, second
        _, here, there = np.intersect1d(first.keys, second.keys, return_indices=True)
        return None if here.size < 2 else (first.at(here), second.at(there))

    def loss_difference(
        self, one: str, two: str
    ) -> tuple[Interval, float, int, tuple[float, float]] | None:
        """Mean difference of the losses on shared samples, the first minus the second.

        Returns:
            Its bootstrap interval, the chance of so large a difference without any (Student's
            paired test), the number of samples, and the mean of either on them. None where there
            are none, or where a loss of them is not finite.
        """
        both = self.shared(one, two)
        if both is None:
            return None
        apart = both[0].loss - both[1].loss
        if not np.isfinite(apart).all():
            return None
        mean, error = mean_error(apart)
        means = self._means(one, both[0]) - self._means(two, both[1])
        return (
            accelerated(mean, apart - mean, means),
            student(mean, error, apart.size - 1),
            len(apart),
            (float(both[0].loss.mean()), float(both[1].loss.mean())),
        )

    def area(self, name: str, samples: Samples | None) -> Area | None:
        """The area under the ROC curve of some samples of a run; None for all of them."""
        whole = self._samples.get(name)
        if samples is not None and samples is not whole:
            return area_of(samples)
        if name not in self._areas:
            self._areas[name] = area_of(whole)
        return self._areas[name]

    def _means(self, name: str, samples: Samples) -> Floats:
        whole = self._samples[name]
        if samples is not whole:
            return resampled(samples.loss[None])[0]
        identity = _identity(whole)
        if identity not in self._drawn:
            alike = {n: s for n, s in self._samples.items() if _identity(s) == identity}
            means = resampled(np.stack([s.loss for s in alike.values()]))
            self._drawn[identity] = dict(zip(alike, means, strict=True))
        return self._drawn[identity][name]


def student(value: float, error: float, freedom: float) -> float:
    """Two-sided chance of a value so many standard errors from 0; infinite freedom is normal."""
    if not error:
        return float(value == 0)
    ratio = -abs(value) / error
    tail = special.ndtr(ratio) if math.isinf(freedom) else special.stdtr(freedom, ratio)
    return min(2.0 * float(tail), 1.0)


def _in_order(samples: Samples) -> Samples:
    if samples.keys is None:
        return samples
    return samples.at(np.argsort(samples.keys))


def _identity(samples: Samples) -> bytes:
    """What is equal for the same samples."""
    return str(samples.loss.size).encode() if samples.keys is None else samples.keys.tobytes()
