"""Areas under curves of thresholds: receiver operating characteristic, precision and recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lossmon.errors import InvalidArgument
from lossmon.recompute.accumulator import SINGLE
from lossmon.recompute.confidence import predicted_probabilities
from lossmon.recompute.layout import Float64Array
from lossmon.recompute.rounding import EPSILON, FUNCTION, accumulation
from lossmon.recompute.thresholds import Cells, ThresholdCounts

_HEIGHTS: dict[str, Callable[[Float64Array, Float64Array], Float64Array]] = {
    "interpolation": lambda left, right: (left + right) / 2.0,
    "minoring": np.minimum,
    "majoring": np.maximum,
}
_CURVES = ("roc", "pr", "prgain")


class AreaAccumulator:
    """The area under a curve, by a Riemann sum over thresholds (`keras.metrics.AUC`).

    Interpolated areas under precision and recall follow Davis and Goadrich, *The relationship
    between precision-recall and ROC curves*, 2006; gains follow Flach and Kull, *Precision-recall-
    gain curves*, 2015.

    Args:
        num_thresholds: how many, the two just outside of [0, 1] included.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation", "minoring" or "majoring".
        thresholds: the inner ones, instead of evenly spread ones.
        multi_label: whether each column has an area of its own, averaged at the end.
        num_labels: number of columns; not needed here.
        label_weights: weights of the columns.
        from_logits: whether a sigmoid is still to be applied.
        epsilon: `keras.config.epsilon()`, which the outer thresholds lie outside of [0, 1] by.

    Raises:
        InvalidArgument: the curve or the method is not known.
    """

    def __init__(
        self,
        *,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,  # noqa: ARG002  # The data says it.
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
        epsilon: float = EPSILON,
    ) -> None:
        self._curve, self._method = curve.lower(), summation_method.lower()
        if self._curve not in _CURVES or self._method not in _HEIGHTS:
            raise InvalidArgument(
                f"`curve` must be one of {_CURVES} and `summation_method` one of "
                f"{tuple(_HEIGHTS)}. Received: curve={curve!r}, "
                f"summation_method={summation_method!r}. Fix: pass the metric's own config."
            )
        inner = np.arange(1, num_thresholds - 1) / max(num_thresholds - 1, 1)
        if thresholds is not None:
            inner = np.sort(np.asarray(thresholds, dtype=np.float64))
        cuts = [-epsilon, *inner.tolist(), 1.0 + epsilon]
        self._multi_label, self._from_logits = multi_label, from_logits
        self._label_weights = label_weights
        shared = None if multi_label else label_weights
        self._counts = ThresholdCounts(
            cuts, multi_label=multi_label, label_weights=shared, epsilon=epsilon
        )

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
        scores = np.asarray(y_pred)
        if self._from_logits:
            scores = predicted_probabilities(scores, from_logits=True, binary=True)
            scores = scores.astype(np.asarray(y_pred).dtype)
        self._counts.add(y_true, scores, sample_weight, batches)

    def value(self) -> float:
        """Return the area, by label and averaged where each column has its own."""
        cells = self._counts.cells()
        with np.errstate(all="ignore"):
            areas = self._areas(cells.tp, cells.fp, *_totals(cells))
        return self._average(areas)

    def tolerance(self) -> float:
        """Bound its error: near ties and rounded weights, each by what it does to the area."""
        cells = self._counts.cells()
        totals = _totals(cells)
        with np.errstate(all="ignore"):
            areas = self._areas(cells.tp, cells.fp, *totals)
            bound = SINGLE.roundoff * self._rounding(cells.tp, cells.fp, *totals)
            bound = bound + self._ties(cells, areas) + self._rounded_weights(cells, areas)
        return self._average(bound)

    def _ties(self, cells: Cells, areas: Float64Array) -> Float64Array:
        """Sum up what near ties do to the area, threshold by threshold."""
        bound = np.zeros_like(areas)
        for side, moves in enumerate(
            ((cells.tp_up, -cells.tp_down), (cells.fp_up, -cells.fp_down))
        ):
            for move in moves:
                for cut in np.flatnonzero(move.any(axis=0)).tolist():
                    step = np.zeros_like(move)
                    step[:, cut] = move[:, cut]
                    bound += np.abs(self._shifted(cells, side, step) - areas)
        return bound

    def _rounded_weights(self, cells: Cells, areas: Float64Array) -> Float64Array:
        """Bound what the rounding of summed weights does to the area.

        Weights are summed from the highest threshold down: a rounding stays in all sums below it,
        and there is none where no score falls between two thresholds. Such errors do not conspire
        (Higham and Mary, 2019, with λ = 2).
        """
        relative = self._counts.relative_error()
        squares = np.zeros_like(areas)
        if not relative:
            return squares
        for side, above in enumerate((cells.tp, cells.fp)):
            errors = self._counts.cumulative_error(above)
            for cut in np.flatnonzero(errors.any(axis=0)).tolist():
                step = np.zeros_like(above)
                step[:, : cut + 1] = errors[:, cut, None]
                squares += (self._shifted(cells, side, step) - areas) ** 2
        return 2.0 * np.sqrt(squares) + 2.0 * relative * np.abs(areas)

    def _shifted(self, cells: Cells, side: int, step: Float64Array) -> Float64Array:
        tp, fp = (cells.tp + step, cells.fp) if side == 0 else (cells.tp, cells.fp + step)
        return self._areas(tp, fp, *_totals(cells))

    def _average(self, areas: Float64Array) -> float:
        if not self._multi_label or self._label_weights is None:
            return float(areas.mean())
        weights = np.asarray(self._label_weights, dtype=np.float64)
        return float((areas * weights).sum() / weights.sum())

    def _areas(
        self, tp: Float64Array, fp: Float64Array, positives: Float64Array, negatives: Float64Array
    ) -> Float64Array:
        if self._curve == "pr" and self._method == "interpolation":
            return np.add.reduce(_interpolated(tp, fp, positives)[0], axis=-1)
        across, up = self._points(tp, fp, positives, negatives)
        heights = _HEIGHTS[self._method](up[..., :-1], up[..., 1:])
        return np.add.reduce((across[..., :-1] - across[..., 1:]) * heights, axis=-1)

    def _rounding(
        self, tp: Float64Array, fp: Float64Array, positives: Float64Array, negatives: Float64Array
    ) -> Float64Array:
        """Bound the arithmetic after the counts, in unit roundoffs.

        A point's error moves the two strips beside it, whose sum changes by the difference of
        their heights only. Four roundings for each coordinate, three for each strip.
        """
        if self._curve == "pr" and self._method == "interpolation":
            terms, bound = _interpolated(tp, fp, positives)
            summing = accumulation(terms.shape[-1])
            return np.add.reduce(bound + summing * np.abs(terms), axis=-1)
        across, up = self._points(tp, fp, positives, negatives)
        heights = _HEIGHTS[self._method](up[..., :-1], up[..., 1:])
        widths = across[..., :-1] - across[..., 1:]
        padded = np.pad(heights, ((0, 0), (1, 1)))
        turning = np.abs(np.diff(padded, axis=-1))
        wide = np.abs(widths)
        lifted = np.pad(wide, ((0, 0), (1, 0))) + np.pad(wide, ((0, 0), (0, 1)))
        scale_across, scale_up = (np.abs(side) + (self._curve == "prgain") for side in (across, up))
        bound = 4.0 * (scale_across * turning + scale_up * lifted / 2.0)
        strips = (3.0 + accumulation(widths.shape[-1])) * np.abs(widths * heights)
        return np.add.reduce(bound, axis=-1) + np.add.reduce(strips, axis=-1)

    def _points(
        self, tp: Float64Array, fp: Float64Array, positives: Float64Array, negatives: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        recall = _ratio(tp, positives)
        if self._curve == "roc":
            return _ratio(fp, negatives), recall
        if self._curve == "pr":
            return recall, _ratio(tp, tp + fp)
        odds = _ratio(positives, negatives)
        recall_gain = np.where(tp == 0.0, 0.0, 1.0 - odds * _ratio(positives - tp, tp))
        precision_gain = np.where(tp == 0.0, 1.0, 1.0 - odds * _ratio(fp, tp))
        return np.maximum(recall_gain, 0.0), precision_gain


def _totals(cells: Cells) -> tuple[Float64Array, Float64Array]:
    return cells.tp + cells.fn, cells.fp + cells.tn


def _ratio(above: Float64Array, below: Float64Array) -> Float64Array:
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.zeros(below.shape), where=below != 0.0)


def _interpolated(
    tp: Float64Array, fp: Float64Array, positives: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return the area of each strip under an interpolated curve, and its bound."""
    predicted = tp + fp
    left, right = predicted[..., :-1], predicted[..., 1:]
    gained = tp[..., :-1] - tp[..., 1:]
    slope = _ratio(gained, np.maximum(left - right, 0.0))
    offset = tp[..., 1:] - slope * right
    ratio = np.where((left > 0.0) & (right > 0.0), _ratio(left, np.maximum(right, 0.0)), 1.0)
    log = np.log(ratio)
    total = np.maximum(positives[..., 1:], 0.0)
    terms = _ratio(slope * (gained + offset * log), total)
    offset_error = 3.0 * np.abs(slope * right) + np.abs(offset)
    errors = offset_error * log + np.abs(offset) * (1.0 + (FUNCTION + 1.0) * log)
    errors += 2.0 * np.abs(gained + offset * log)
    return terms, _ratio(np.abs(slope) * errors, total) + 4.0 * np.abs(terms)
