"""Many batches of one shape at once: NumPy's cost of a call is paid once for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import UserDefinition, elements_of, is_row_by_row
from lossmon.recompute.evaluation import LossEvaluation, MetricValue
from lossmon.recompute.layout import AnyArray, Float64Array, floating
from lossmon.recompute.reduction import WEIGHTING, masked_weights
from lossmon.recompute.registry import (
    elements_and_precision,
    evaluate_loss,
    evaluate_metric,
    loss_dtype,
)
from lossmon.recompute.rounding import Elements, accumulation, drifts, precision
from lossmon.records import LossSpec, MetricSpec

_SINGLE_ROUNDOFF = 2.0**-24


class _Batches(NamedTuple):
    y_true: AnyArray
    y_pred: AnyArray
    sample_weight: AnyArray | None
    mask: AnyArray | None

    def one(self, index: int) -> dict[str, AnyArray | None]:
        weight = None if self.sample_weight is None else self.sample_weight[index]
        mask = None if self.mask is None else self.mask[index]
        return {"sample_weight": weight, "mask": mask}

    def joined(self) -> tuple[AnyArray, AnyArray]:
        return _join(self.y_true), _join(self.y_pred)

    def can_be_joined(self, sparse: bool) -> bool:
        """Tell whether there are several, whose rows still belong together in one long batch.

        Args:
            sparse: whether labels are class ids, one for each row of scores.
        """
        true, pred = self.y_true, self.y_pred
        if self.mask is not None or pred.ndim < 3 or len(pred) < 2:
            return False
        # Labels of other shapes may broadcast across rows.
        by_id = true.shape == pred.shape[:-1] and (sparse or pred.shape[-1] == 1)
        return by_id or true.shape in (pred.shape, (*pred.shape[:-1], 1))


def evaluate_losses(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> list[LossEvaluation]:
    """Recompute the losses of B batches; each is what `evaluate_loss` says of it alone.

    Args:
        spec: the loss.
        y_true: labels, shape `(B, N, ...)`.
        y_pred: predictions, shape `(B, N, ...)`.
        sample_weight: weights, shape `(B, N, ...)`, or None.
        mask: masks, shape `(B, N, ...)`, or None; masked batches are evaluated one by one.
        backend: whose order of operations is mirrored.
        extra: the user's own definitions; those are called batch by batch.

    Raises:
        UnknownDefinition: nothing here defines that loss or one of its arguments.

    >>> spec = LossSpec("mean_squared_error")
    >>> both = evaluate_losses(spec, np.zeros((2, 1, 1)), np.array([[[1.0]], [[3.0]]]))
    >>> [evaluation.value for evaluation in both]
    [1.0, 9.0]
    """
    batches = _batches(y_true, y_pred, sample_weight, mask)
    if batches.can_be_joined(spec.name.startswith("sparse_")) and is_row_by_row(spec, extra):
        with np.errstate(all="ignore"):
            found = _joined_losses(spec, batches, backend)
        if found is not None:
            return found
    return [
        evaluate_loss(spec, true, pred, **batches.one(index), backend=backend, extra=extra)
        for index, (true, pred) in enumerate(zip(batches.y_true, batches.y_pred, strict=True))
    ]


def evaluate_metrics(
    spec: MetricSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> list[MetricValue]:
    """Recompute what B batches add to a mean metric; arguments as for `evaluate_losses`.

    >>> spec = MetricSpec(key="accuracy", name="binary_accuracy")
    >>> both = evaluate_metrics(spec, np.ones((2, 1, 1)), np.array([[[0.9]], [[0.2]]]))
    >>> [metric.value for metric in both]
    [1.0, 0.0]
    """
    batches = _batches(y_true, y_pred, sample_weight, mask)
    if (
        batches.can_be_joined(spec.name.startswith("sparse_"))
        and sample_weight is None
        and is_row_by_row(spec, extra)
    ):
        with np.errstate(all="ignore"):
            found = _joined_metrics(spec, batches, backend)
        if found is not None:
            return found
    return [
        evaluate_metric(spec, true, pred, **batches.one(index), backend=backend, extra=extra)
        for index, (true, pred) in enumerate(zip(batches.y_true, batches.y_pred, strict=True))
    ]


def _batches(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    mask: npt.ArrayLike | None,
) -> _Batches:
    weight = None if sample_weight is None else np.asarray(sample_weight)
    kept = None if mask is None else np.asarray(mask)
    return _Batches(np.asarray(y_true), np.asarray(y_pred), weight, kept)


def _join(batches: AnyArray) -> AnyArray:
    return batches.reshape(-1, *batches.shape[2:])


def _joined_losses(
    spec: LossSpec, batches: _Batches, backend: Backend
) -> list[LossEvaluation] | None:
    """Evaluate all at once, or return None where the elements cannot be told apart again."""
    elements, constants = elements_and_precision(spec, *batches.joined(), backend, None)
    count, rows = batches.y_pred.shape[:2]
    values, roundings = elements.values, elements.roundings
    if elements.mask is not None or roundings is None or values.shape[0] != count * rows:
        return None
    apart = values.reshape(count, rows, *values.shape[1:])
    weights = masked_weights(batches.sample_weight, None, rescale=False)
    if weights is not None and weights.shape != apart.shape:
        return None
    weighted = apart.reshape(count, -1)
    bounds = roundings.reshape(count, -1)
    if weights is not None:
        flat = weights.reshape(count, -1)
        weighted, bounds = weighted * flat, bounds * np.abs(flat)
    terms = weighted.shape[1]
    divisors, sums = _divisors(spec.reduction, weights, count, terms)
    steps = (1.0 if weights is None else WEIGHTING) + sums * accumulation(terms)
    carried = np.add.reduce(bounds + steps * np.abs(weighted), axis=1)
    drifted = drifts(weighted, loss_dtype(spec))
    scale = np.abs(divisors)
    totals = np.where(divisors != 0.0, np.add.reduce(weighted, axis=1) / divisors, 0.0)
    errors = np.where(scale > 0.0, (constants.roundoff * carried + drifted) / scale, 0.0)
    errors = errors + constants.smallest * terms
    return [
        LossEvaluation(value, apart[index], None if weights is None else weights[index], error)
        for index, (value, error) in enumerate(zip(totals.tolist(), errors.tolist(), strict=True))
    ]


def _divisors(
    reduction: str, weights: AnyArray | None, count: int, terms: int
) -> tuple[Float64Array, int]:
    """Return what each batch's sum is divided by, and the number of sums its value rests on."""
    if reduction == "mean_with_sample_weight" and weights is not None:
        return np.add.reduce(weights.reshape(count, -1), axis=1), 2
    return np.full(count, 1.0 if reduction == "sum" else float(terms)), 1


def _joined_metrics(
    spec: MetricSpec, batches: _Batches, backend: Backend
) -> list[MetricValue] | None:
    elements = elements_of(spec, *batches.joined(), backend=backend, extra=None)
    count, rows = batches.y_pred.shape[:2]
    if elements.values.ndim == 0 or elements.values.shape[0] != count * rows:
        return None
    samples = _per_sample(elements.values, count)
    totals = np.add.reduce(samples, axis=1)
    errors = _metric_errors(elements, samples, precision(floating(batches.y_pred).dtype)[0])
    size = elements.values.size // count
    if elements.roundings is not None:
        errors = errors + precision(floating(batches.y_pred).dtype).smallest * size
    near = np.zeros(count, dtype=np.int64)
    if elements.ties is not None:
        near = np.count_nonzero(elements.ties.reshape(count, -1), axis=1)
    return [
        MetricValue(total, float(rows), total / rows, ties, error / rows)
        for total, ties, error in zip(totals.tolist(), near.tolist(), errors.tolist(), strict=True)
    ]


def _metric_errors(elements: Elements, samples: Float64Array, roundoff: float) -> Float64Array:
    """Bound the errors of the batches' totals: sums, elements' own roundings, near ties in full."""
    count, size = len(samples), elements.values.size // len(samples)
    magnitudes = samples
    if elements.roundings is not None:
        magnitudes = _per_sample(np.abs(elements.values), count)
    steps = 2.0 * accumulation(size) + WEIGHTING
    bound = _SINGLE_ROUNDOFF * steps * np.add.reduce(magnitudes, axis=1) + drifts(samples)
    if elements.roundings is not None:
        carried = np.add.reduce(_per_sample(elements.roundings, count), axis=1)
        bound = bound + roundoff * carried
    if elements.ties is not None and elements.ties.any():
        ties = _per_sample(elements.ties.astype(np.float64), count)
        bound = bound + np.add.reduce(ties, axis=1)
    return bound


def _per_sample(values: AnyArray, count: int) -> Float64Array:
    """Average all axes but the first, then tell the batches apart, shape `(B, N)`."""
    if values.ndim > 1:
        width = math.prod(values.shape[1:])
        values = np.add.reduce(values.reshape(len(values), -1), axis=1) / width
    return values.reshape(count, -1)
