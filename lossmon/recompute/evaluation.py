"""What an independent evaluation returns, and when a reported number agrees with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.errors import LossmonError
from lossmon.recompute.layout import AnyArray, Float64Array

_LARGEST = float(np.finfo(np.float32).max)


class UnknownDefinition(LossmonError, LookupError):
    """There is no independent definition of a loss or metric, or none for these values."""


def agrees(reported: float, value: float, tolerance: float) -> bool:
    """Return whether a reported number is the recomputed one up to rounding.

    Two NaN agree, and infinities of one sign.

    Args:
        reported: what Keras printed.
        value: the recomputed value.
        tolerance: the most that rounding in Keras' dtype can explain, in the unit of both.

    >>> agrees(0.5, 0.5 + 1e-9, 1e-7), agrees(math.nan, math.nan, 0.0), agrees(math.inf, 1.0, 0.1)
    (True, True, False)
    """
    if math.isnan(value) or math.isnan(reported):
        return math.isnan(value) and math.isnan(reported)
    return reported == value or abs(reported - value) <= tolerance


class LossEvaluation(NamedTuple):
    """A loss, recomputed.

    Attributes:
        value: the reduced loss, float64, without penalties.
        elements: the losses before weights and reduction, shape `(N, ...)`.
        weights: effective weights (mask merged in) that broadcast with `elements`, or None.
        tolerance: absolute bound of |Keras' value - `value|` from rounding alone.
    """

    value: float
    elements: Float64Array
    weights: AnyArray | None
    tolerance: float

    def agrees(self, reported: float) -> bool:
        """Return whether Keras' value is this one up to rounding.

        An infinity agrees too where the sum of the elements leaves float32's range, as Keras sums
        before it divides.

        Args:
            reported: what Keras printed.
        """
        if math.isinf(reported) and math.isfinite(self.value):
            return float(np.abs(self.elements).sum()) > _LARGEST
        return agrees(reported, self.value, self.tolerance)


class StackedLosses(NamedTuple):
    """The losses of K batches of one shape, recomputed.

    Attributes:
        values: the reduced losses, float64, without penalties, shape `(K,)`.
        elements: the losses before weights and reduction, shape `(K, N, ...)`.
        weights: effective weights (masks merged in), shape `(K, ...)`, that broadcast with the
            elements, or None.
        tolerances: absolute bounds of |Keras' value - `values`| from rounding alone, `(K,)`.
    """

    values: Float64Array
    elements: Float64Array
    weights: AnyArray | None
    tolerances: Float64Array

    def agrees(self, reported: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell of each batch whether Keras' value is this one up to rounding.

        Args:
            reported: Keras' values, shape `(K,)`.

        Returns:
            Shape `(K,)`; each as `LossEvaluation.agrees` says of its batch alone.
        """
        theirs = np.asarray(reported, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            close = np.abs(theirs - self.values) <= self.tolerances
        close |= (theirs == self.values) | (np.isnan(theirs) & np.isnan(self.values))
        overflown = np.isinf(theirs) & np.isfinite(self.values)
        if overflown.any():
            sums = np.add.reduce(np.abs(self.elements).reshape(len(theirs), -1), axis=1)
            close = np.where(overflown, sums > _LARGEST, close)
        return close


class StackedMetrics(NamedTuple):
    """A mean metric over K batches of one shape, recomputed batch by batch; all of shape `(K,)`.

    Attributes:
        totals: what each batch adds to the total of `keras.metrics.Mean`.
        counts: what it adds to the count.
        values: totals / counts, 0 where nothing counts.
        near_ties: elements whose decision would flip within rounding of the predictions.
        tolerances: absolute bounds of |Keras' value - `values`| for each batch alone.
        count_tolerances: absolute bounds of |Keras' count - `counts`|, 0 where samples are counted.
    """

    totals: Float64Array
    counts: Float64Array
    values: Float64Array
    near_ties: npt.NDArray[np.int64]
    tolerances: Float64Array
    count_tolerances: Float64Array


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A mean metric over one batch, recomputed.

    Attributes:
        total: what the batch adds to the total of `keras.metrics.Mean`.
        count: what it adds to the count.
        value: total / count, 0 where nothing counts.
        near_ties: elements whose decision would flip within rounding of the predictions.
        tolerance: absolute bound of |Keras' value - `value|` for this batch alone: rounding, and
            all near ties falling the other way.
    """

    total: float
    count: float
    value: float
    near_ties: int
    tolerance: float

    def agrees(self, reported: float) -> bool:
        """Return whether Keras' value of this batch is this one, near ties set apart.

        Args:
            reported: what Keras printed.
        """
        return agrees(reported, self.value, self.tolerance)
