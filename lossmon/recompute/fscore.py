"""F-scores: the weighted harmonic mean of precision and recall, by class.

Source: van Rijsbergen, *Information Retrieval*, 1979.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.accuracies import TIE
from lossmon.recompute.layout import AnyArray, Float64Array, by_columns, doubled, floating
from lossmon.recompute.rounding import EPSILON, accumulation, precision

_NOTHING = 1e-9
"""A score that is no larger than this is never a prediction."""


class FScoreAccumulator:
    """An F-score (`keras.metrics.FBetaScore`, `F1Score`).

    Args:
        average: None for one score a class, "micro", "macro" or "weighted".
        beta: β, how many times recall matters as much as precision.
        threshold: the score above which a class is predicted; None for the strongest class.
        epsilon: `keras.config.epsilon()`.
    """

    def __init__(
        self,
        *,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        epsilon: float = EPSILON,
    ) -> None:
        self._average, self._beta, self._threshold = average, beta, threshold
        self._epsilon = epsilon
        self._sums = np.zeros((5, 1))
        self._samples = self._batches = 0
        self._exact = True

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,  # noqa: ARG002  # Keras does not heed it here.
        *,
        batches: int = 1,
    ) -> None:
        """Take in one batch of shape `(N, C)`, or several."""
        labels = doubled(np.asarray(y_true).astype(np.float32))
        roundoff = precision(floating(y_pred).dtype).roundoff
        chosen, doubtful = self._chosen(
            by_columns(np.asarray(y_pred).astype(np.float32)), TIE * roundoff
        )
        weights = np.ones((len(labels), 1))
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=np.float32).astype(np.float64)[:, None]
        self._exact &= bool((labels == np.rint(labels)).all()) and sample_weight is None
        terms = (
            chosen * labels,
            chosen * (1.0 - labels),
            (1.0 - chosen) * labels,
            doubtful * np.abs(labels),
            doubtful * np.abs(1.0 - labels),
        )
        sums = np.stack([np.add.reduce(term * weights, axis=0) for term in terms])
        self._sums = self._sums + sums
        self._samples += labels.size
        self._batches += batches

    def value(self) -> float | Float64Array:
        """Return the score, or one for each class where there is no average."""
        tp, fp, fn = self._cells()[:3]
        return self._averaged(self._scores(tp, fp, fn), tp + fn)

    def tolerance(self) -> float | Float64Array:
        """Bound its error: near ties all in favour or all against, rounding."""
        tp, fp, fn, true_doubt, false_doubt = self._cells()
        steps = accumulation(self._samples) + accumulation(self._batches) + 2.0
        relative = 0.0 if self._exact else SINGLE.roundoff * steps
        gain = np.minimum(true_doubt + relative * fn, fn)
        loss = np.minimum(true_doubt + relative * tp, tp)
        spread = false_doubt + relative * fp
        score = self._scores(tp, fp, fn)
        high = self._scores(tp + gain, np.maximum(fp - spread, 0.0), fn - gain)
        low = self._scores(tp - loss, fp + spread, fn + loss)
        # Two quotients of three roundings each, their mean of eight, the average over classes.
        last = 14.0 + accumulation(score.size)
        reach = np.maximum(high - score, score - low) + SINGLE.roundoff * last * np.abs(score)
        return self._averaged(reach + 2.0 * relative * np.abs(score), tp + fn)

    def _cells(self) -> Float64Array:
        if self._average == "micro":
            return self._sums.sum(axis=1, keepdims=True)
        return self._sums

    def _chosen(self, scores: AnyArray, tie: float) -> tuple[Float64Array, Float64Array]:
        if self._threshold is not None:
            cut = np.float32(self._threshold)
            doubtful = ~(np.abs(scores - cut) > tie * abs(cut))
            return (scores > cut).astype(np.float64), doubtful.astype(np.float64)
        strongest = scores.max(axis=-1, keepdims=True)
        chosen = (scores >= strongest) & (np.abs(scores) > _NOTHING)
        near = ~(strongest - scores > tie * np.abs(strongest))
        rivals = near.sum(axis=-1, keepdims=True) > 1
        return chosen.astype(np.float64), (near & rivals).astype(np.float64)

    def _scores(self, tp: Float64Array, fp: Float64Array, fn: Float64Array) -> Float64Array:
        precise, found = tp / (tp + fp + self._epsilon), tp / (tp + fn + self._epsilon)
        square = self._beta**2
        return precise * found / (square * precise + found + self._epsilon) * (1.0 + square)

    def _averaged(self, scores: Float64Array, support: Float64Array) -> float | Float64Array:
        if self._average is None:
            return scores
        if self._average == "weighted":
            return float((scores * support / (support.sum() + self._epsilon)).sum())
        return float(scores.mean())
