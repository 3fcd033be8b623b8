"""One entry point for losses and one for metrics: by name, as Keras' objects would compute them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import UnknownDefinition, UserDefinition, elements_of
from lossmon.recompute.evaluation import LossEvaluation, MetricValue
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks, floating
from lossmon.recompute.reduction import (
    WEIGHTING,
    Samplewise,
    accumulate_mean,
    masked_weights,
    reduce_loss,
)
from lossmon.recompute.rounding import Elements, Precision, accumulation, precision
from lossmon.records import LossSpec, MetricSpec

_PRECISIONS = ("float32", "float64")


def loss_elements(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> Float64Array:
    """Return the losses of a batch before weights and reduction; see `evaluate_loss`."""
    with np.errstate(all="ignore"):
        return elements_and_precision(spec, y_true, y_pred, backend, extra)[0].values


def evaluate_loss(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> LossEvaluation:
    """Recompute a loss as a `keras.losses.Loss` with this configuration computes it.

    Labels and predictions are cast to the loss' dtype first (float32), as Keras does; everything
    after that is float64.

    Args:
        spec: the loss: name, arguments, reduction.
        y_true: labels in their own dtype.
        y_pred: predictions in their own dtype. Where TensorFlow went back to the logits behind a
            softmax or sigmoid, pass those logits, and `from_logits=True` in the spec's config.
        sample_weight: weights per sample or element (class weights included), or None.
        mask: the prediction's `_keras_mask`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that loss or one of its arguments.

    >>> spec = LossSpec("mean_squared_error")
    >>> evaluation = evaluate_loss(spec, np.zeros((2, 1)), np.array([[1.0], [3.0]]))
    >>> evaluation.value, evaluation.agrees(5.0000001), evaluation.agrees(5.0001)
    (5.0, True, False)
    """
    with np.errstate(all="ignore"):
        elements, constants = elements_and_precision(spec, y_true, y_pred, backend, extra)
        kept = _both(mask, elements.mask)
        reduced = reduce_loss(
            elements.values,
            sample_weight=sample_weight,
            mask=kept,
            reduction=spec.reduction,
            roundings=elements.roundings,
            dtype=loss_dtype(spec),
        )
    tolerance = reduced.tolerance(constants)
    return LossEvaluation(reduced.value, elements.values, reduced.weights, tolerance)


def evaluate_metric(
    spec: MetricSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> MetricValue:
    """Recompute what one batch adds to a `keras.metrics.MeanMetricWrapper`.

    Args:
        spec: the metric: name and arguments. Whether it is weighted is the caller's business: pass
            `sample_weight` only for `weighted_metrics`.
        y_true: labels in their own dtype.
        y_pred: predictions in their own dtype; metrics, unlike losses, do not cast them.
        sample_weight: weights per sample or element, or None.
        mask: the prediction's `_keras_mask`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that metric or one of its arguments.

    >>> spec = MetricSpec(key="accuracy", name="binary_accuracy", config={"threshold": 0.5})
    >>> metric = evaluate_metric(spec, np.array([[0.0], [1.0]]), np.array([[0.2], [0.4]]))
    >>> metric.total, metric.count, metric.value, metric.near_ties
    (1.0, 2.0, 0.5, 0)
    """
    with np.errstate(all="ignore"):
        elements = elements_of(spec, y_true, y_pred, backend=backend, extra=extra)
        weights = masked_weights(sample_weight, mask, rescale=False)
        return mean_metric(elements, weights, precision(floating(y_pred).dtype))


def mean_metric(elements: Elements, weights: AnyArray | None, constants: Precision) -> MetricValue:
    """Reduce a metric's elements to what one batch adds to a `keras.metrics.Mean`.

    Args:
        elements: the unreduced values.
        weights: sample weights with the mask merged in, or None.
        constants: the precision that the elements were computed in.
    """
    mean = accumulate_mean(elements.values, weights, elements.mask)
    uncertain = _uncertainty(elements, weights, mean, constants)
    near_ties = 0 if elements.ties is None else int(np.count_nonzero(elements.ties))
    if not mean.count:
        return MetricValue(mean.total, mean.count, 0.0, near_ties, 0.0)
    value, tolerance = mean.total / mean.count, uncertain / abs(mean.count)
    return MetricValue(mean.total, mean.count, value, near_ties, tolerance)


def _uncertainty(
    elements: Elements, weights: AnyArray | None, mean: Samplewise, constants: Precision
) -> float:
    """Bound the error of a metric's total: near ties in full, roundings of elements and sums."""
    heft = None if weights is None else np.abs(weights)
    scale = mean
    if weights is not None or elements.roundings is not None:
        scale = accumulate_mean(np.abs(elements.values), heft, elements.mask)
    size = elements.values.size
    # Totals and counts are sums of their own, and float32 whatever the predictions are.
    steps = 2.0 * accumulation(size) + WEIGHTING
    bound = precision(np.dtype(np.float32)).roundoff * steps * scale.total + scale.drift
    if elements.roundings is not None:
        carried = accumulate_mean(elements.roundings, heft, elements.mask).total
        bound += constants.roundoff * carried + constants.smallest * size
    if elements.ties is not None and elements.ties.any():
        bound += accumulate_mean(elements.ties.astype(np.float64), heft).total
    return bound


def elements_and_precision(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    backend: Backend,
    extra: Mapping[str, UserDefinition] | None,
) -> tuple[Elements, Precision]:
    """Return the elements of a loss with their bounds, and the constants of the loss' dtype."""
    dtype = loss_dtype(spec)
    predictions = np.asarray(y_pred, dtype=dtype)
    labels: AnyArray = np.asarray(y_true)
    if not spec.custom:
        labels, predictions = align_ranks(labels.astype(dtype, copy=False), predictions)
    elements = elements_of(spec, labels, predictions, backend=backend, extra=extra)
    return elements, precision(dtype)


def loss_dtype(spec: LossSpec) -> np.dtype[Any]:
    """Return the dtype that the loss is computed in.

    Raises:
        UnknownDefinition: no bounds are known for it.
    """
    name = spec.config.get("dtype") or "float32"
    if name not in _PRECISIONS:
        raise UnknownDefinition(
            f"`{spec.name}` is defined for the dtypes {' and '.join(_PRECISIONS)}. Received: "
            f"dtype={name!r}. Fix: leave the loss' `dtype` at its default, float32."
        )
    return np.dtype(name)


def _both(first: npt.ArrayLike | None, second: AnyArray | None) -> AnyArray | None:
    if first is None or second is None:
        return second if first is None else np.asarray(first)
    return np.asarray(first, dtype=np.bool_) & second
