"""How many positives and negatives score above each of many thresholds, batch after batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.accuracies import TIE
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks, floating
from lossmon.recompute.rounding import EPSILON, accumulation, precision

_LEFT_OUT = -1e10
"""The score that Keras gives to what is not among the k strongest."""


class Cells(NamedTuple):
    """Confusion matrices, shape `(labels, thresholds)` each.

    Attributes:
        tp: weight of positives above the threshold.
        fp: weight of negatives above it.
        fn: weight of positives not above it.
        tn: weight of negatives not above it.
        tp_up: weight of positives that rounding could still lift above it; `fp_up` likewise.
        tp_down: weight of positives that rounding could push below it; `fp_down` likewise.
    """

    tp: Float64Array
    fp: Float64Array
    fn: Float64Array
    tn: Float64Array
    tp_up: Float64Array
    fp_up: Float64Array
    tp_down: Float64Array
    fp_down: Float64Array


class ThresholdCounts:
    """Histograms of scores between thresholds; those of batches add up.

    Mirrors `keras.metrics.metrics_utils.update_confusion_matrix_variables`: where the thresholds
    are evenly spread over [0, 1], scores are clipped to it and sorted into buckets.

    Args:
        thresholds: in any order; float32 in Keras.
        top_k: how many scores of a row count at all.
        class_id: the only class that is looked at.
        multi_label: whether each column is counted on its own.
        label_weights: weights of the columns where they are counted together.
        epsilon: `keras.config.epsilon()`, how far from even thresholds may lie.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        *,
        top_k: int | None = None,
        class_id: int | None = None,
        multi_label: bool = False,
        label_weights: Sequence[float] | None = None,
        epsilon: float = EPSILON,
    ) -> None:
        cuts = np.asarray(thresholds, dtype=np.float64)
        self._order = np.argsort(cuts, kind="stable")
        self._cuts = cuts[self._order].astype(np.float32).astype(np.float64)
        self._even = _evenly_spread(cuts, epsilon)
        self._padded = bool(cuts[0] < 0.0 or cuts[-1] > 1.0)
        self._top_k, self._class_id, self._multi_label = top_k, class_id, multi_label
        self._label_weights = label_weights
        self._sums: Float64Array | None = None
        self._doubts: Float64Array | None = None
        self._elements = self._batches = 0
        self._heft, self._whole = 0.0, True

    def add(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        batches: int,
    ) -> None:
        """Sort one batch, or the rows of several, into the histograms."""
        roundoff = precision(floating(y_pred).dtype).roundoff
        scores = np.asarray(y_pred).astype(np.float32)
        scores, truth = align_ranks(scores, np.asarray(y_true).astype(np.float32))
        doubtful = np.zeros(scores.shape, dtype=bool)
        if self._top_k is not None:
            scores, doubtful = _strongest(scores, self._top_k, roundoff)
        weights = self._weights(sample_weight, scores)
        if self._class_id is not None:
            scores, truth, doubtful = (
                side[..., self._class_id, None] for side in (scores, truth, doubtful)
            )
        self._heft += (
            float(np.add.reduce(np.abs(weights), axis=None)) * scores.size / max(1, weights.size)
        )
        self._whole = self._whole and bool((weights == np.rint(weights)).all())
        weights = np.broadcast_to(weights, scores.shape)
        positive = np.broadcast_to(truth != 0.0, scores.shape)
        self._count(scores, positive, weights, doubtful, TIE * roundoff)
        self._elements += scores.size
        self._batches += batches

    def cells(self) -> Cells:
        """Return the confusion matrices at every threshold, in the order they were given in."""
        width = len(self._cuts)
        sums = np.zeros((2, 1, width + 1)) if self._sums is None else self._sums
        doubts = np.zeros((2, 2, 1, width)) if self._doubts is None else self._doubts
        above = np.cumsum(sums[..., :0:-1], axis=-1)[..., ::-1]
        below = sums.sum(axis=-1, keepdims=True) - above
        back = np.argsort(self._order)
        tp, fp = above[..., back]
        fn, tn = below[..., back]
        up, down = doubts[..., back]
        return Cells(tp, fp, fn, tn, *up, *down)

    def cumulative_error(self, above: Float64Array) -> Float64Array:
        """Bound the rounding that each threshold adds to sums of weights from above.

        Evenly spread thresholds share a running sum: one rounding a batch at each, and those of the
        weights between it and the next. Others have sums of their own.
        """
        if not self.relative_error():
            return np.zeros_like(above)
        adding = accumulation(self._batches) + 3.0
        gained = np.abs(np.diff(above, axis=-1, append=0.0))
        within = gained if self._even else np.abs(above)
        summing = accumulation(self._elements) * within + adding * np.abs(above)
        return SINGLE.roundoff * np.where(gained > 0.0, summing, 0.0)

    def relative_error(self) -> float:
        """Bound the relative rounding error of one cell; whole numbers are exact up to 2^24."""
        if self._whole and self._heft < 1.0 / SINGLE.roundoff:
            return 0.0
        steps = accumulation(self._elements) + accumulation(self._batches) + 2.0
        return SINGLE.roundoff * steps

    def _weights(self, sample_weight: npt.ArrayLike | None, scores: AnyArray) -> AnyArray:
        weights = np.ones(())
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=np.float32).astype(np.float64)
            weights = weights[..., None] if weights.ndim < scores.ndim else weights
        if self._label_weights is not None:
            weights = weights * np.asarray(self._label_weights, dtype=np.float64)
        return weights

    def _count(
        self,
        scores: AnyArray,
        positive: AnyArray,
        weights: AnyArray,
        doubtful: AnyArray,
        tie: float,
    ) -> None:
        columns = scores.shape[-1] if self._multi_label else 1
        width = len(self._cuts)
        column = np.broadcast_to(np.arange(columns), scores.shape).ravel()
        flat, heft = scores.ravel(), weights.ravel()
        passed = self._passed(flat)
        if self._sums is None or self._doubts is None:
            self._sums = np.zeros((2, columns, width + 1))
            self._doubts = np.zeros((2, 2, columns, width))
        adrift = doubtful.ravel() | np.isnan(flat)
        below, above = self._near(flat, passed, tie)
        for index, side in enumerate((positive.ravel(), ~positive.ravel())):
            weight = heft * side
            size = np.abs(weight)
            self._sums[index] += _histogram(column, passed, weight, (columns, width + 1))
            for move, (near, cut) in enumerate(((above, passed), (below, passed - 1))):
                if near.any():
                    doubts = _histogram(column[near], cut[near], size[near], (columns, width))
                    self._doubts[move, index] += doubts
            if adrift.any():
                self._doubts[:, index] += np.bincount(column, size * adrift, columns)[:, None]

    def _passed(self, scores: AnyArray) -> AnyArray:
        """Return how many thresholds each score exceeds; NaN exceeds none."""
        if not self._even:
            passed = np.searchsorted(self._cuts, scores.astype(np.float64), side="left")
            return np.where(np.isnan(scores), 0, passed)
        spacing = np.float32(len(self._cuts) - 1)
        bucket = np.ceil(np.clip(scores, np.float32(0.0), np.float32(1.0)) * spacing)
        passed = np.nan_to_num(bucket).astype(np.int64)
        return np.maximum(passed, 1) if self._padded else passed

    def _near(self, scores: AnyArray, passed: AnyArray, tie: float) -> tuple[AnyArray, AnyArray]:
        """Tell whether the threshold below each score, and the one above, are within rounding."""
        eligible = scores > _LEFT_OUT
        # Clipped to [0, 1], 0 and 1 stay what they are.
        eligible &= (scores > 0.0) & (scores < 1.0) if self._even else True
        below, above = (eligible & self._within(scores, passed + k, tie) for k in (-1, 0))
        return below, above

    def _within(self, scores: AnyArray, index: AnyArray, tie: float) -> AnyArray:
        width = len(self._cuts)
        cut = self._cuts[np.clip(index, 0, width - 1)]
        # A logit near 0 is a sum whose terms, of order 1, cancelled.
        scale = np.abs(cut) if self._even else np.where(cut == 0.0, 1.0, np.abs(cut))
        # Probabilities are never above the last threshold where that is 1 or just beyond.
        last = width - 1 if self._even or self._padded else width
        return (np.abs(scores - cut) <= tie * scale) & (index >= 0) & (index < last)


def _histogram(
    column: AnyArray, index: AnyArray, heft: AnyArray, shape: tuple[int, int]
) -> Float64Array:
    flat = np.bincount(column * shape[1] + index, heft, shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64)


def _evenly_spread(cuts: Float64Array, epsilon: float) -> bool:
    if len(cuts) < 3:
        return False
    even = np.arange(len(cuts), dtype=np.float32) / np.float32(len(cuts) - 1)
    return bool(np.allclose(cuts, even, atol=epsilon))


def _strongest(scores: AnyArray, count: int, roundoff: float) -> tuple[AnyArray, AnyArray]:
    """Push all but the k strongest scores out of reach; tell which could change places."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    kept = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(kept, order[..., :count], True, axis=-1)
    doubtful = np.zeros(scores.shape, dtype=bool)
    if count < scores.shape[-1]:
        last = np.take_along_axis(scores, order[..., count - 1, None], axis=-1)
        first = np.take_along_axis(scores, order[..., count, None], axis=-1)
        reach = TIE * roundoff * np.abs(last)
        edge = (np.abs(scores - last) <= reach) | (np.abs(scores - first) <= reach)
        doubtful = edge & (last - first <= reach)
    return np.where(kept, scores, np.float32(_LEFT_OUT)), doubtful
