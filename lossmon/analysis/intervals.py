"""Intervals and tests: how far a number may lie from that of all data, and whether two differ.

Sources: Wilson, *Probable inference*, 1927; McNemar, *Note on the sampling error of the difference
between correlated proportions*, 1947; Efron, *Better bootstrap confidence intervals*, 1987; Agresti
and Min, *Simple improved confidence intervals for comparing matched proportions*, 2005; Holm, *A
simple sequentially rejective multiple test procedure*, 1979.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument

RESAMPLES = 2000
"""Bootstrap samples; the ends of a 95 % interval rest on fifty of them each."""

# Numbers drawn at once: as many as stay in a processor's cache.
_DRAWN = 250_000


class Interval(NamedTuple):
    """An estimate with the interval in which the true value lies.

    Attributes:
        value: the estimate.
        low, high: ends of the interval.
    """

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is more than noise explains."""
        return self.low > 0 or self.high < 0


class Turned(NamedTuple):
    """McNemar's exact test of two classifiers on the same samples.

    Attributes:
        only_first, only_second: samples that only the one, or only the other predicted right.
        p_value: chance of so unequal numbers where both are as good, two-sided.
    """

    only_first: int
    only_second: int
    p_value: float


def wilson(successes: float, total: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share: good for few samples and shares near 0 or 1.

    Args:
        successes: how many of them.
        total: how many there are; counts of samples.
        level: how surely the interval holds the true share.

    Returns:
        Its ends, each from 0 to 1.

    Raises:
        InvalidArgument: there is nothing, or more successes than there is.

    >>> [round(end, 4) for end in wilson(9, 10)]
    [0.5958, 0.9821]
    """
    if not 0 <= successes <= total or total <= 0:
        raise InvalidArgument(
            "expected 0 ≤ successes ≤ total, total > 0. "
            f"Received: {successes} of {total}. Fix: counts of samples."
        )
    z = _quantile(level)
    share, square = successes / total, z * z / total
    middle = (share + square / 2.0) / (1.0 + square)
    reach = z * math.sqrt(share * (1.0 - share) / total + square / (4.0 * total)) / (1.0 + square)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def share_difference(
    first: tuple[float, float], second: tuple[float, float], *, level: float = 0.95
) -> Interval:
    """Difference of two shares of different samples, the first minus the second.

    Newcombe's method 10 of 1998: the distances of both Wilson intervals, added as squares.

    Args:
        first: successes and total.
        second: successes and total.
        level: how surely the interval holds the difference.
    """
    one, two = first[0] / first[1], second[0] / second[1]
    (low_one, high_one), (low_two, high_two) = (wilson(*c, level=level) for c in (first, second))
    value = one - two
    return Interval(
        value,
        value - math.hypot(one - low_one, high_two - two),
        value + math.hypot(high_one - one, two - low_two),
    )


def mean_error(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> tuple[float, float]:
    """Return mean and standard error; of weighted values those of a ratio (linearised).

    Args:
        values: one for each sample, shape `(N,)`, N > 1.
        weights: how much each counts, shape `(N,)`; 1 each where None.

    Returns:
        Both in the unit of the values.

    Raises:
        InvalidArgument: there are not two values, or not one weight for each.
    """
    array = np.asarray(values, dtype=np.float64)
    heft = np.ones_like(array) if weights is None else np.asarray(weights, dtype=np.float64)
    total, count = float(heft.sum()), array.size
    if array.ndim != 1 or heft.shape != array.shape or count < 2 or total <= 0:
        raise InvalidArgument(
            "expected two or more values (N,), and weights of their shape that are not all 0. "
            f"Received: {array.shape} and {heft.shape}. Fix: one value and weight a sample."
        )
    mean = float((heft * array).sum()) / total
    spread = float((heft**2 * (array - mean) ** 2).sum())
    return mean, math.sqrt(spread * count / (count - 1)) / total


def mean_difference(
    first: tuple[float, float], second: tuple[float, float], *, level: float = 0.95
) -> Interval:
    """Difference of two independent means, the first minus the second; large samples.

    Args:
        first: a mean and its standard error.
        second: the other.
        level: how surely the interval holds the difference.
    """
    reach = _quantile(level) * math.hypot(first[1], second[1])
    value = first[0] - second[0]
    return Interval(value, value - reach, value + reach)


def bootstrap_mean(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of a mean, weighted where there are weights.

    Bias-corrected and accelerated, so that it follows the skew of losses (Efron 1987).

    Args:
        values: one for each sample, shape `(N,)`.
        weights: how much each counts, shape `(N,)`; 1 each where None.
        level: how surely the interval holds the mean.
        seed: of the samples drawn.
    """
    mean, _ = mean_error(values, weights)
    array = np.asarray(values, dtype=np.float64)
    heft = np.ones_like(array) if weights is None else np.asarray(weights, dtype=np.float64)
    totals, sums = resampled(np.stack([heft, heft * array]), seed=seed)
    # Nothing that counts may have been drawn.
    means = sums[totals > 0] / totals[totals > 0]
    return accelerated(mean, heft * (array - mean), means, level=level)


def resampled(rows: Floats, *, seed: int = 0) -> Floats:
    """Means of rows over the same samples, drawn again and again from them with replacement.

    Args:
        rows: shape `(R, N)`.
        seed: of the samples drawn; rows of as many samples are drawn alike.

    Returns:
        Shape `(R, RESAMPLES)`.
    """
    size = rows.shape[1]
    rng = np.random.default_rng(seed)
    step = max(1, _DRAWN // size)
    columns = np.ascontiguousarray(rows.T)
    means = np.empty((len(rows), RESAMPLES))
    for start in range(0, RESAMPLES, step):
        some = min(step, RESAMPLES - start)
        drawn = rng.integers(0, size, (some, size))
        drawn += np.arange(some)[:, None] * size
        times = np.bincount(drawn.ravel(), minlength=some * size).reshape(some, size)
        means[:, start : start + some] = (times.astype(np.float64) @ columns).T / size
    return means


def accelerated(mean: float, parts: Floats, means: Floats, *, level: float = 0.95) -> Interval:
    """Interval of a mean from bootstrapped ones, bias-corrected and accelerated (Efron 1987).

    Args:
        mean: as measured.
        parts: what each sample adds to its error, times any factor, shape `(N,)`; the acceleration
            of a mean follows from their skew.
        means: of the samples drawn, shape `(B,)`.
        level: how surely the interval holds the mean.
    """
    spread = float((parts**2).sum())
    if not spread:
        return Interval(mean, mean, mean)
    below = float(((means < mean).sum() + 0.5 * (means == mean).sum()) / means.size)
    edge = 0.5 / means.size
    bias = float(special.ndtri(min(max(below, edge), 1.0 - edge)))
    acceleration = float((parts**3).sum()) / (6.0 * spread**1.5)
    ends = bias + _quantile(level) * np.array([-1.0, 1.0])
    shares = special.ndtr(bias + ends / np.maximum(1.0 - acceleration * ends, 1e-6))
    low, high = np.quantile(means, shares).tolist()
    return Interval(mean, low, high)


def paired_bootstrap(
    first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Bootstrap interval of the mean difference on the same samples, the first minus the second.

    Args:
        first: losses of one model, shape `(N,)`.
        second: losses of the other on the same samples, in the same order, shape `(N,)`.
        level: how surely the interval holds the difference.
        seed: of the samples drawn.

    Raises:
        InvalidArgument: both are not of the same samples.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != two.shape:
        raise InvalidArgument(
            "expected the losses of the same samples. "
            f"Received: {one.shape} and {two.shape}. Fix: pair the samples by their key."
        )
    return bootstrap_mean(one - two, level=level, seed=seed)


def mcnemar(first: npt.ArrayLike, second: npt.ArrayLike) -> Turned:
    """McNemar's test, exact: do two classifiers differ on the same samples?

    Args:
        first: whether one model is right, shape `(N,)`.
        second: whether the other is, shape `(N,)`.

    Raises:
        InvalidArgument: both are not of the same samples.

    >>> mcnemar([1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]).p_value
    0.0625
    """
    one, two = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    if one.shape != two.shape:
        raise InvalidArgument(
            "expected the verdicts on the same samples. "
            f"Received: {one.shape} and {two.shape}. Fix: pair the samples by their key."
        )
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    return Turned(only_first, only_second, sign_test(only_first, only_second))


def sign_test(one: int, two: int) -> float:
    """Return the chance that a fair coin falls at least as unevenly, two-sided, exact.

    Args:
        one: how often it fell on one side.
        two: how often on the other.

    Returns:
        A p-value, 0 to 1.

    >>> sign_test(5, 0), sign_test(0, 0)
    (0.0625, 1.0)
    """
    tail = float(special.bdtr(min(one, two), one + two, 0.5)) if one + two else 1.0
    return min(2.0 * tail, 1.0)


def matched_difference(
    only_first: int, only_second: int, total: int, *, level: float = 0.95
) -> Interval:
    """Difference of two accuracies on the same samples, the first minus the second.

    Agresti and Min 2005: half a sample is added to each of the four cells for the interval.

    Args:
        only_first: samples that only the first predicted right.
        only_second: samples that only the second did.
        total: all samples.
        level: how surely the interval holds the difference.
    """
    one, two, count = only_first + 0.5, only_second + 0.5, total + 2.0
    middle = (one - two) / count
    reach = _quantile(level) * math.sqrt(one + two - (one - two) ** 2 / count) / count
    value = (only_first - only_second) / total
    return Interval(value, max(middle - reach, -1.0), min(middle + reach, 1.0))


def holm(p_values: npt.ArrayLike) -> Floats:
    """Return p-values that hold for all of several tests together: Holm's correction.

    Args:
        p_values: of the single tests, 0 to 1, shape `(N,)`.

    Returns:
        float64, shape `(N,)`, in the same order, at most 1.

    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    array = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(array)
    raised = np.maximum.accumulate(array[order] * np.arange(array.size, 0, -1))
    found = np.empty_like(array)
    found[order] = np.minimum(raised, 1.0)
    return found


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise InvalidArgument(f"expected a level from 0 to 1. Received: {level}. Fix: level=0.95")
    return float(special.ndtri(0.5 + level / 2.0))
