"""Metrics over many batches: what Keras' metric objects keep, and how sure their value is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import UserDefinition
from lossmon.recompute.evaluation import StackedMetrics
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks
from lossmon.recompute.reduction import masked_weights
from lossmon.recompute.rounding import Elements, accumulation, precision
from lossmon.recompute.stacked import evaluate_metrics, mean_metrics
from lossmon.records import MetricSpec

SINGLE = precision(np.dtype(np.float32))
"""The precision that Keras keeps the state of its metrics in."""


class Accumulator(Protocol):
    """A metric that grows batch by batch."""

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch, or several of one shape whose rows follow one another.

        Args:
            y_true: labels in their own dtype, one row a sample.
            y_pred: predictions in their own dtype, one row a sample.
            sample_weight: weights per sample or element, or None.
            mask: the prediction's `_keras_mask`; only means of a function heed it, as in Keras.
            batches: how many batches these are the rows of: Keras rounds once for each of them.
        """
        ...

    def value(self) -> float | Float64Array:
        """Return the metric over all batches so far; an array where Keras returns one."""
        ...

    def tolerance(self) -> float | Float64Array:
        """Return the bound of |Keras' value - `value()`| that rounding and near ties explain.

        Returns:
            In the unit of `value()`, and of its shape.
        """
        ...


class MeanAccumulator:
    """The mean of a function over samples: accuracies, and losses used as metrics.

    Args:
        spec: the metric.
        backend: whose order of operations is mirrored.
        extra: the user's own definitions.
    """

    def __init__(
        self,
        spec: MetricSpec,
        *,
        backend: Backend = "tensorflow",
        extra: Mapping[str, UserDefinition] | None = None,
    ) -> None:
        self._spec, self._extra = spec, extra
        self._backend: Backend = backend
        self._mean = RunningMean()

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch, or several."""
        found = evaluate_metrics(
            self._spec,
            _apart(np.asarray(y_true), batches),
            _apart(np.asarray(y_pred), batches),
            sample_weight=_apart_if_any(sample_weight, batches),
            mask=_apart_if_any(mask, batches),
            backend=self._backend,
            extra=self._extra,
        )
        self._mean.add(found)

    def value(self) -> float:
        """Return the mean so far, 0 without samples."""
        return self._mean.value()

    def tolerance(self) -> float:
        """Bound the mean's error."""
        return self._mean.tolerance()


def _apart(rows: AnyArray, batches: int) -> AnyArray:
    """Tell batches apart whose rows follow one another, `(K·N, ...)` to `(K, N, ...)`."""
    if batches == 1:
        return rows[None]
    return rows.reshape(batches, len(rows) // batches, *rows.shape[1:])


def _apart_if_any(rows: npt.ArrayLike | None, batches: int) -> AnyArray | None:
    return None if rows is None else _apart(np.asarray(rows), batches)


class RunningMean:
    """Totals and counts of batches, with the drift of Keras' float32 ones measured alongside."""

    def __init__(self) -> None:
        self._total = self._count = self._bound = self._magnitude = 0.0
        self._drifting = np.float32(0.0)
        self._batches = 0

    def add(self, found: StackedMetrics) -> None:
        """Add what each of K batches contributes, one after another as Keras does."""
        self._total += float(np.add.reduce(found.totals))
        self._count += float(np.add.reduce(found.counts))
        self._bound += float(np.add.reduce(found.tolerances * np.abs(found.counts)))
        self._magnitude += float(np.add.reduce(np.abs(found.totals)))
        # What is beyond float32 is infinite there, as it is to Keras.
        with np.errstate(over="ignore", invalid="ignore"):
            for total in found.totals.astype(np.float32):
                self._drifting = self._drifting + total
        self._batches += len(found.totals)

    def value(self) -> float:
        """Return total / count, 0 where nothing counts."""
        return self._total / self._count if self._count else 0.0

    def tolerance(self) -> float:
        """Bound the error of total / count: batches, running sums, the quotient."""
        if not self._count:
            return 0.0
        steps = 2.0 * accumulation(self._batches) + 3.0
        drift = abs(float(self._drifting) - self._total)
        bound = self._bound + steps * SINGLE.roundoff * self._magnitude + drift
        return bound / abs(self._count)


class RootMeanSquaredErrorAccumulator:
    """The root of the mean squared error over *elements* (`keras.metrics.RootMeanSquaredError`).

    Args:
        dtype: the metric's, which both sides are cast to first.
    """

    def __init__(self, *, dtype: str | None = None) -> None:
        self._dtype = np.dtype(dtype or np.float32)
        self._mean = RunningMean()

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch, or several."""
        with np.errstate(all="ignore"):
            labels, predictions = align_ranks(
                np.asarray(y_true).astype(self._dtype), np.asarray(y_pred).astype(self._dtype)
            )
            error = predictions.astype(np.float64) - labels.astype(np.float64)
            squares = error * error
            weights = masked_weights(_apart_if_any(sample_weight, batches), None, rescale=False)
            squares = _apart(squares, batches)
            elements = Elements(squares, 3.0 * squares)
            self._mean.add(mean_metrics(elements, weights, SINGLE))

    def value(self) -> float:
        """Return the root so far, in units of the target."""
        value = self._mean.value()
        return math.sqrt(value) if value >= 0.0 else math.nan

    def tolerance(self) -> float:
        """Bound its error by the roots of both ends: at 0 a root is infinitely steep."""
        mean, reach = self._mean.value(), self._mean.tolerance()
        root = self.value()
        high = math.sqrt(max(mean + reach, 0.0)) - root
        low = root - math.sqrt(max(mean - reach, 0.0))
        return max(high, low) + SINGLE.roundoff * root
