"""Intervals and tests: how far a number may lie from that of all data, and whether two differ.

Sources: Wilson, *Probable inference*, 1927; McNemar, *Note on the sampling error of the difference
between correlated proportions*, 1947; Efron, *Bootstrap methods*, 1979; Holm, *A simple
sequentially rejective multiple test procedure*, 1979.
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

# Numbers drawn at once.
_DRAWN = 4_000_000


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
    """Wilson's interval of a share: good for few samples and shares near 0 or 1.

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
    """Mean and its standard error; of weighted values that of a ratio (linearised).

    Args:
        values: one for each sample, shape `(N,)`, N > 1.
        weights: how much each counts, shape `(N,)`; 1 each where None.
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
    """Bootstrap interval (percentile) of a mean, weighted where there are weights.

    Args:
        values: one for each sample, shape `(N,)`.
        weights: how much each counts, shape `(N,)`; 1 each where None.
        level: how surely the interval holds the mean.
        seed: of the samples drawn.
    """
    mean, _ = mean_error(values, weights)
    array = np.asarray(values, dtype=np.float64)
    heft = None if weights is None else np.asarray(weights, dtype=np.float64)
    rng = np.random.default_rng(seed)
    rows = max(1, _DRAWN // array.size)
    drawn = [
        _resampled(array, heft, rng.integers(0, array.size, (some, array.size)))
        for done in range(0, RESAMPLES, rows)
        for some in [min(rows, RESAMPLES - done)]
    ]
    tail = (1.0 - level) / 2.0
    low, high = np.nanquantile(np.concatenate(drawn), [tail, 1.0 - tail]).tolist()
    return Interval(mean, low, high)


def _resampled(values: Floats, weights: Floats | None, places: npt.NDArray[np.int64]) -> Floats:
    """Means of the samples drawn; NaN where nothing that counts was drawn."""
    if weights is None:
        return values[places].mean(axis=1)
    of = weights[places]
    with np.errstate(invalid="ignore"):
        return (of * values[places]).sum(axis=1) / of.sum(axis=1)


def paired_bootstrap(
    first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Bootstrap interval of the mean difference on the same samples, the first minus the second.

    Args:
        first: losses of one model, shape `(N,)`.
        second: losses of the other on the same samples, in the same order, shape `(N,)`.
        level: how surely the interval holds the difference.
        seed: of the samples drawn.
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
    count = only_first + only_second
    tail = float(special.bdtr(min(only_first, only_second), count, 0.5)) if count else 1.0
    return Turned(only_first, only_second, min(2.0 * tail, 1.0))


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's correction: p-values that hold for all of several tests together.

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
