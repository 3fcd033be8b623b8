"""How much a series of epochs wobbles by itself, and what a change must exceed to be more.

Two sources of noise are told apart: the *sampling* error, which says how far a value measured on
so many samples may lie from that of all data, and the *wobble* from epoch to epoch, which is seen
in the series itself and may last for several epochs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

Floats = npt.NDArray[np.float64]

# The first quartile of the differences between normal values is their deviation over this.
_QUARTILE_TO_SD = 2.2219
# The median of a few normal values varies by this much more than their mean does.
_MEDIAN = 1.5
# Degrees of freedom for each epoch: neighbouring residuals share epochs.
_FREEDOM = 0.6
# Epochs after which a run's own memory counts as much as what is assumed of any.
_LEARNED = 20
_ASSUMED = 0.4
_CAUTION = 0.04
# Values that are looked at two by two: of longer runs only so many.
_MOST_VALUES = 500
# Neighbours are compared so far away at most, and only where the run is so many times as long.
_LONGEST_LAG, _EPOCHS_A_LAG = 4, 10
# Longer memory than this is no longer noise, but a way that the run takes.
_LONGEST_MEMORY = 0.85
_MEMORIES = np.linspace(0.0, _LONGEST_MEMORY, 86)


class Wobble(NamedTuple):
    """Noise from epoch to epoch, taken for autoregressive of order one.

    Attributes:
        variance: of one epoch's value around its trend.
        memory: correlation of neighbouring epochs, 0 to 0.85.
        freedom: degrees of freedom that the variance is known by.
    """

    variance: float
    memory: float
    freedom: float

    def of_block(self, size: int) -> float:
        """Variance of the median of so many neighbouring epochs."""
        lags = np.arange(1, size)
        together = size + 2.0 * float(((size - lags) * self.memory**lags).sum())
        return _MEDIAN * self.variance * together / size**2


def wobble(values: npt.ArrayLike) -> Wobble:
    """Measure the noise of a series, robustly, from how epochs differ from those around them.

    The difference from the mean of the two neighbours is free of any straight trend. It varies by
    σ²(1 - φ)(3 - φ)/2 where noise is autoregressive with memory φ, and by the same in φᵏ where the
    neighbours are k epochs away, two to four in runs of twenty to forty epochs and more; φ follows
    from the ratio of both, is drawn towards 0.4 in short runs, which tell little of it, and raised
    a little, because taking noise for less lasting than it is makes false alarms. Spreads are
    Rousseeuw and Croux' Qn of 1993.

    Args:
        values: in the order of time, shape `(E,)`, finite. Fewer than six show no noise.
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.size
    if count < 6:
        return Wobble(0.0, 0.0, 2.0)
    away = min(max(count // _EPOCHS_A_LAG, 2), _LONGEST_LAG)
    near, far = (_spread(bends(array, lag)) ** 2 for lag in (1, away))
    seen = float(np.interp(far / near, _ratio(_MEMORIES, away), _MEMORIES)) if near else 0.0
    drawn = (count * seen + _LEARNED * _ASSUMED) / (count + _LEARNED)
    memory = drawn + _CAUTION
    variance = near / ((1.0 - memory) * (3.0 - memory) / 2.0)
    return Wobble(variance, memory, max(_FREEDOM * (count - 2), 2.0))


def bends(values: Floats, lag: int = 1) -> Floats:
    """Differences from the mean of both neighbours at a distance, free of any straight trend."""
    return values[lag:-lag] - (values[: -2 * lag] + values[2 * lag :]) / 2.0


def _ratio(memory: Floats, lag: int) -> Floats:
    """Variance of the bends at a distance by that of the nearest ones."""
    return _bending(memory**lag) / _bending(memory)


def _bending(memory: Floats) -> Floats:
    return (1.0 - memory) * (3.0 - memory) / 2.0


def _spread(residuals: Floats) -> float:
    some = residuals[:: -(-residuals.size // _MOST_VALUES)]
    one, two = np.triu_indices(some.size, 1)
    return _QUARTILE_TO_SD * float(np.quantile(np.abs(some[one] - some[two]), 0.25))


class Blocks(NamedTuple):
    """Medians of neighbouring epochs, with what is needed to compare them; shape `(B,)`.

    Attributes:
        medians: of each block of neighbouring epochs.
        variances: mean sampling variance of each block's epochs.
        covariances: sampling covariances of all blocks, shape `(B, B)`, where the samples are
            known one by one; None where they are not.
        noise: variance that the wobble gives to a block.
        freedom: degrees of freedom that `noise` is known by.
    """

    medians: Floats
    variances: Floats
    noise: float
    freedom: float
    covariances: Floats | None = None

    @property
    def wobbles(self) -> float:
        """Standard error that the wobble gives to the difference of two blocks."""
        return math.sqrt(2.0 * self.noise)


def blocks(values: Floats, errors: Floats, size: int, covariances: Floats | None = None) -> Blocks:
    """Smooth a series by medians, so that the spike of one epoch is no change.

    Args:
        values: shape `(E,)`, with E at least `size`.
        errors: standard error of each value.
        size: epochs in a block.
        covariances: sampling covariances of the epochs, shape `(E, E)`, where known.
    """
    noise = wobble(values)
    medians = np.asarray(np.median(sliding_window_view(values, size), axis=1))
    variances = np.asarray(sliding_window_view(errors**2, size).mean(axis=1))
    among = None if covariances is None else _block_means(covariances, size)
    return Blocks(medians, variances, noise.of_block(size), noise.freedom, among)


def _block_means(matrix: Floats, size: int) -> Floats:
    """Means over all squares of so many neighbouring rows and columns."""
    # Not by differences of running sums: a loss of 1e18 would take the digits of all after it.
    rows = sliding_window_view(matrix, size, axis=0).mean(axis=-1)
    return np.asarray(sliding_window_view(rows, size, axis=1).mean(axis=-1))


class Changes(NamedTuple):
    """Changes from some blocks to others, shape `(S,)`.

    Attributes:
        sizes: how much each rose.
        errors: standard error of that.
        ratios: the first by the second; 0 where nothing changed.
        freedom: degrees of freedom of the errors.
    """

    sizes: Floats
    errors: Floats
    ratios: Floats
    freedom: Floats

    def at_most(self, sizes: Floats) -> Changes:
        """The same changes, but where others are smaller those, at these errors."""
        least = np.minimum(self.sizes, sizes)
        return self._replace(sizes=least, ratios=_ratios(least, self.errors))

    def usual_ratios(self) -> Floats:
        """How much changed either way, by the median error of all."""
        usual = float(np.median(self.errors))
        return np.minimum(np.abs(self.sizes) / usual, 1e6) if usual else np.abs(self.sizes)

    def tails(self, *, rising: bool) -> Floats:
        """Chance of so large a rise (or fall) without any, one-sided, not corrected for looks."""
        ratios = np.clip(self.ratios, -1e6, 1e6)
        return np.asarray(special.stdtr(self.freedom, -ratios if rising else ratios))


def changes(
    of: Blocks, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp], shared: float
) -> Changes:
    """Compare blocks two by two, sampling error and wobble together.

    Degrees of freedom are those of Welch and Satterthwaite: the sampling error is taken for known.

    Args:
        of: the blocks.
        first: the earlier ones, shape `(S,)`.
        last: the later ones, shape `(S,)`.
        shared: correlation of the values of one sample between two epochs, where it is not known;
            0 where each epoch has samples of its own.
    """
    sampling = np.maximum(_sampling(of, first, last, shared), 0.0)
    total = sampling + 2.0 * of.noise
    sizes, errors = of.medians[last] - of.medians[first], np.sqrt(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = of.freedom * (total / (2.0 * of.noise)) ** 2 if of.noise else np.inf * total
    known = np.nan_to_num(freedom, nan=1e6, posinf=1e6)
    return Changes(sizes, errors, _ratios(sizes, errors), np.minimum(known, 1e6))


def _ratios(sizes: Floats, errors: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sizes == 0.0, 0.0, sizes / errors)


def _sampling(
    of: Blocks, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp], shared: float
) -> Floats:
    if of.covariances is not None:
        own = of.covariances.diagonal()
        return own[first] + own[last] - 2.0 * of.covariances[first, last]
    one, two = of.variances[first], of.variances[last]
    return one + two - 2.0 * shared * np.sqrt(one * two)
