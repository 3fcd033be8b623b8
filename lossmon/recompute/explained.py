"""R²: the share of the targets' variance that predictions explain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.layout import Float64Array, align_ranks
from lossmon.recompute.rounding import accumulation


class ExplainedVarianceAccumulator:
    """The coefficient of determination (`keras.metrics.R2Score`).

    Source: Wright, *Correlation and causation*, 1921.

    Args:
        class_aggregation: None for one score a column, "uniform_average" or
            "variance_weighted_average".
        num_regressors: p in the adjusted score 1 - (1 - R²) (n - 1) / (n - p - 1); 0 for R² itself.
            n counts *elements*, as in Keras.
        dtype: the metric's, which both sides are cast to first; Keras' sums are float32 anyway.
    """

    def __init__(
        self,
        *,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        dtype: str | None = None,
    ) -> None:
        self._dtype = np.dtype(dtype or np.float32)
        self._aggregation, self._regressors = class_aggregation, num_regressors
        self._sums = np.zeros((6, 1))
        self._elements = self._batches = self._largest = 0

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch of shape `(N, D)`, or several."""
        targets, predictions = align_ranks(
            np.asarray(y_true).astype(self._dtype), np.asarray(y_pred).astype(self._dtype)
        )
        targets, predictions = targets.astype(np.float64), predictions.astype(np.float64)
        weights = np.ones((1, 1))
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=np.float32).astype(np.float64)
            weights = weights[:, None] if weights.ndim == 1 else weights
        error = targets - predictions
        terms = (
            weights * targets,
            weights * targets * targets,
            weights * error * error,
            np.broadcast_to(weights, targets.shape),
            np.abs(weights * targets),
            np.abs(weights) * targets * targets,
        )
        self._sums = self._sums + np.stack([np.add.reduce(term, axis=0) for term in terms])
        self._elements += targets.size
        self._batches += batches
        self._largest = max(self._largest, len(targets) // batches)

    def value(self) -> float | Float64Array:
        """Return the score: 1 for perfect predictions, 0 for those of the mean."""
        with np.errstate(all="ignore"):
            return self._adjusted(self._aggregated(*self._scores()))

    def tolerance(self) -> float | Float64Array:
        """Bound its error: the variance is a difference of sums that may nearly cancel.

        Infinite where they cancel but for rounding, as those of constant targets do: Keras may then
        print any number.
        """
        total, residual, count, magnitude, squares = self._sums[[0, 2, 3, 4, 5]]
        steps = accumulation(self._largest) + accumulation(self._batches) + 4.0
        with np.errstate(all="ignore"):
            scores, variance = self._scores()
            sums = squares + 3.0 * magnitude * np.abs(total / count)
            spread = steps * sums + np.abs(variance)
            lost = np.abs(variance) <= SINGLE.roundoff * steps * sums
            if (lost & (squares > 0.0) & (residual > 0.0)).any():
                return np.full(len(lost), np.inf) if self._aggregation is None else np.inf
            ratio = np.abs(residual / variance)
            reach = ratio * (steps + 2.0 + spread / np.abs(variance)) + np.abs(scores)
            reach = SINGLE.roundoff * np.where(np.isfinite(ratio), reach, 0.0)
            if self._aggregation == "variance_weighted_average":
                # Weight times score is variance minus residual: its error is that of both.
                share = SINGLE.roundoff * (
                    spread * (1.0 + np.abs(scores)) + (steps + 4.0) * residual
                )
                bound = share.sum() / abs(variance.sum())
                scale = float(np.abs(np.asarray(self._aggregated(scores, variance))))
                summed = spread.sum() / abs(variance.sum()) + accumulation(scores.size)
                return self._widened(float(bound + SINGLE.roundoff * scale * summed))
            last = (accumulation(scores.size) + 6.0) * SINGLE.roundoff * np.abs(scores)
            reach = reach + last
            return self._widened(reach if self._aggregation is None else float(reach.mean()))

    def _scores(self) -> tuple[Float64Array, Float64Array]:
        total, squares, residual, count = self._sums[:4]
        variance = squares - total * (total / count)
        scores = 1.0 - residual / variance
        return np.where(np.isinf(scores), 0.0, scores), variance

    def _aggregated(self, scores: Float64Array, variance: Float64Array) -> float | Float64Array:
        if self._aggregation is None:
            return scores
        if self._aggregation == "uniform_average":
            return float(scores.mean())
        return float((variance * scores).sum() / variance.sum())

    def _factor(self) -> float:
        """Return (n - 1) / (n - p - 1), or 1 where the score is not adjusted."""
        if not self._regressors or self._regressors >= self._elements - 1:
            return 1.0
        return (self._elements - 1.0) / (self._elements - self._regressors - 1.0)

    def _adjusted(self, score: float | Float64Array) -> float | Float64Array:
        factor = self._factor()
        return score if factor == 1.0 else 1.0 - (1.0 - score) * factor

    def _widened(self, bound: float | Float64Array) -> float | Float64Array:
        factor = self._factor()
        if factor == 1.0:
            return bound
        score = self._adjusted(self._aggregated(*self._scores()))
        return factor * bound + 4.0 * SINGLE.roundoff * (1.0 + np.abs(1.0 - score))
