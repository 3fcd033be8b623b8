"""How well scores rank samples of class 1 above those of class 0, and whether two models differ.

Source: DeLong, DeLong and Clarke-Pearson, *Comparing the areas under two or more correlated
receiver operating characteristic curves: a nonparametric approach*, Biometrics 1988; ranks instead
of pairs as in Sun and Xu, *Fast implementation of DeLong's algorithm*, 2014.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from lossmon.analysis.measured import Samples
from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument


class Area(NamedTuple):
    """Area under the curve: how often a sample of class 1 is scored above one of class 0.

    Attributes:
        value: 0 to 1; equal scores count half.
        positive: what each sample of class 1 adds, shape `(P,)`.
        negative: what each sample of class 0 adds, shape `(N,)`.
    """

    value: float
    positive: Floats
    negative: Floats

    @property
    def error(self) -> float:
        """Its standard error."""
        return _error(self.positive, self.negative)

    def difference(self, other: Area) -> tuple[float, float]:
        """Return this area minus another one on the same samples, and its standard error.

        Args:
            other: of the same samples in the same order.
        """
        return self.value - other.value, _error(
            self.positive - other.positive, self.negative - other.negative
        )


def roc_area(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Area:
    """Area under the receiver operating characteristic curve.

    Args:
        scores: the larger, the rather class 1, shape `(N,)`.
        labels: 0 or 1, shape `(N,)`, two or more of each.

    Raises:
        InvalidArgument: shapes differ, or a class has fewer than two samples.

    >>> roc_area([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).value
    0.75
    """
    array, positive = np.asarray(scores, dtype=np.float64), np.asarray(labels) == 1
    count = int(positive.sum())
    if array.shape != positive.shape or array.ndim != 1 or min(count, array.size - count) < 2:
        raise InvalidArgument(
            "expected scores and labels (N,), two or more of each class. Received: "
            f"{array.shape} and {positive.shape}, {count} of class 1. Fix: one score for each label"
        )
    ones, zeros = array[positive], array[~positive]
    ranks = stats.rankdata(array)
    above = (ranks[positive] - stats.rankdata(ones)) / zeros.size
    below = 1.0 - (ranks[~positive] - stats.rankdata(zeros)) / ones.size
    return Area(float(above.mean()), above, below)


def area_of(samples: Samples | None) -> Area | None:
    """The area of a run's samples; None where they are not of two classes, or too few of one."""
    known = None if samples is None else samples.two_classes
    if known is None or not 2 <= int((known[1] == 1).sum()) <= known[1].size - 2:
        return None
    return roc_area(*known)


def _error(positive: Floats, negative: Floats) -> float:
    return math.sqrt(
        float(positive.var(ddof=1)) / positive.size + float(negative.var(ddof=1)) / negative.size
    )
