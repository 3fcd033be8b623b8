"""The statistical tests that the rules of training rest on; all of them without SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The chance of a false alarm that one rule may have in one healthy run.
ALPHA = 0.01
_NORMAL = NormalDist()
# The median absolute deviation of a normal distribution is its standard deviation over this.
_MAD_TO_SD = 1.4826


class Trend(NamedTuple):
    """How likely a trend at least as clear as the one seen is without any, one-sided.

    Attributes:
        rising: of one upwards.
        falling: of one downwards.
    """

    rising: float
    falling: float


def critical(looks: int = 1, alpha: float = ALPHA) -> float:
    """Standard errors that a difference must exceed, one-sided, Bonferroni-corrected.

    Args:
        looks: how many differences are looked at.
        alpha: chance that noise alone exceeds it in any of them.
    """
    return -_NORMAL.inv_cdf(alpha / max(looks, 1))


def trend(values: Sequence[float] | Floats) -> Trend:
    """Mann-Kendall test: do values rise or fall with time, whatever the shape of the curve?

    Normal approximation with the correction for ties and for continuity.

    Args:
        values: in the order of time, finite.

    >>> trend([5.0, 4.0, 3.0, 2.0, 1.0, 0.5]).falling < 0.01
    True
    """
    array = np.asarray(values, dtype=np.float64)
    n = array.size
    if n < 3:
        return Trend(1.0, 1.0)
    later, earlier = np.triu_indices(n, 1)[::-1]
    score = float(np.sign(array[later] - array[earlier]).sum())
    ties = np.unique(array, return_counts=True)[1].astype(np.float64)
    spread = n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())
    if spread <= 0:
        return Trend(1.0, 1.0)
    deviation = math.sqrt(spread / 18)
    return Trend(_tail((score - 1) / deviation), _tail((-score - 1) / deviation))


def wobble(values: Sequence[float] | Floats) -> float:
    """Standard deviation of the noise in a series, from the differences of neighbours.

    The median of the differences is the trend, their median absolute deviation the noise.

    Args:
        values: in the order of time; fewer than four tell nothing, and give 0.
    """
    steps = np.diff(np.asarray(values, dtype=np.float64))
    if steps.size < 3:
        return 0.0
    spread = float(np.median(np.abs(steps - np.median(steps))))
    return _MAD_TO_SD * spread / math.sqrt(2)


def turning_points(values: Sequence[float] | Floats) -> int:
    """How often the direction changes from one value to the next."""
    signs = np.sign(np.diff(np.asarray(values, dtype=np.float64)))
    return int(np.sum(signs[1:] * signs[:-1] < 0))


def share_at_least(count: float, n: float, alpha: float = ALPHA) -> float:
    """Lower bound of a share that was seen as `count` of `n` (Wilson 1927), one-sided."""
    if n <= 0:
        return 0.0
    z = critical(alpha=alpha)
    share, square = count / n, z * z / n
    middle = share + square / 2
    reach = z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - reach) / (1 + square))


def median(values: Any) -> float:
    """The median as a plain number."""
    return float(np.median(np.asarray(values, dtype=np.float64)))


def _tail(z: float) -> float:
    return 1.0 - _NORMAL.cdf(z)
