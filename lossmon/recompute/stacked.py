"""Losses and metrics of many batches of one shape at once: NumPy's cost of a call is paid once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.definitions import Definition, UserDefinition, definition_of
from lossmon.recompute.dtypes import loss_dtype, metric_dtype
from lossmon.recompute.evaluation import StackedLosses, StackedMetrics
from lossmon.recompute.layout import AnyArray, Float64Array, align_ranks, broadcastable, floating
from lossmon.recompute.reduction import (
    WEIGHTING,
    Samplewise,
    accumulate_means,
    magnitudes,
    masked_weights,
    reduce_losses,
)
from lossmon.recompute.rounding import Elements, Precision, accumulation, precision
from lossmon.recompute.rows import stacked_elements
from lossmon.records import LossSpec, MetricSpec


def evaluate_losses(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> StackedLosses:
    """Recompute the losses of K batches as a `keras.losses.Loss` computes each of them.

    Labels and predictions are cast to the loss' dtype first (float32), as Keras does; everything
    after that is float64. A user's own definition, and one that looks across rows, is called batch
    by batch.

    Args:
        spec: the loss: name, arguments, reduction. Its config may also hold the loss' `dtype`, and
            `epsilon` where `keras.config.set_epsilon` has been called; metrics' may, too.
        y_true: labels in their own dtype, shape `(K, N, ...)`.
        y_pred: predictions in their own dtype, shape `(K, N, ...)`. Where TensorFlow went back to
            the logits behind a softmax or sigmoid, pass those logits, and `from_logits=True` in the
            spec's config.
        sample_weight: weights per sample or element (class weights included), `(K, ...)`, or None.
        mask: the predictions' `_keras_mask`, `(K, ...)`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that loss, one of its arguments, or its value for
            one of the batches.

    >>> spec = LossSpec("mean_squared_error")
    >>> losses = evaluate_losses(spec, np.zeros((2, 1, 1)), np.array([[[1.0]], [[3.0]]]))
    >>> losses.values, losses.agrees([1.0, 9.1])
    (array([1., 9.]), array([ True, False]))
    """
    dtype = loss_dtype(spec)
    constants = precision(dtype)
    definition = definition_of(spec, backend, extra)
    with np.errstate(all="ignore"):
        elements = loss_elements_of(spec, y_true, y_pred, backend, extra)
        reduced = reduce_losses(
            elements,
            sample_weight=sample_weight,
            mask=_both(mask, elements.mask),
            reduction=spec.reduction,
            dtype=dtype,
            constants=constants,
            width=_width(spec, definition, y_true, y_pred, elements),
            sums=definition.sums,
        )
    return StackedLosses(reduced.values, elements.values, reduced.weights, reduced.tolerances)


def loss_elements_of(
    spec: LossSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    backend: Backend,
    extra: Mapping[str, UserDefinition] | None,
) -> Elements:
    """Return the elements of K batches' losses with their bounds, shape `(K, N, ...)`."""
    dtype = loss_dtype(spec)
    predictions = np.asarray(y_pred, dtype=dtype)
    labels: AnyArray = np.asarray(y_true)
    if not spec.custom:
        labels = labels.astype(dtype, copy=False)
        labels, predictions = align_ranks(labels, predictions, batch_axes=1)
    found = stacked_elements(definition_of(spec, backend, extra), labels, predictions)
    return found._replace(values=_within_range(found.values, dtype))


def _width(
    spec: LossSpec,
    definition: Definition,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    elements: Elements,
) -> int:
    """Return of how many terms that are not 0 each element is made, on average, rounded up."""
    if definition.by_id:
        return 1
    one_hot = definition.sums and not spec.config.get("label_smoothing")
    terms = np.count_nonzero(y_true) if one_hot else np.size(y_pred)
    return -(-int(terms) // max(elements.values.size, 1))


_LARGEST = {name: float(np.finfo(name).max) for name in ("float32", "float64")}


def _within_range(values: Float64Array, dtype: np.dtype[Any]) -> Float64Array:
    """Make infinite what is beyond a dtype's largest number: a weight of 0 makes it NaN then."""
    largest = _LARGEST.get(dtype.name, math.inf)
    if not (np.fmax.reduce(np.abs(values), axis=None, initial=0.0) > largest):
        return values
    return np.where(np.abs(values) > largest, np.copysign(np.inf, values), values)


def evaluate_metrics(
    spec: MetricSpec,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    backend: Backend = "tensorflow",
    extra: Mapping[str, UserDefinition] | None = None,
) -> StackedMetrics:
    """Recompute what each of K batches adds to a `keras.metrics.MeanMetricWrapper`.

    Args:
        spec: the metric: name and arguments. Whether it is weighted is the caller's business: pass
            `sample_weight` only for `weighted_metrics`.
        y_true: labels in their own dtype, shape `(K, N, ...)`.
        y_pred: predictions in their own dtype, shape `(K, N, ...)`; metrics, unlike losses, do not
            cast them.
        sample_weight: weights per sample or element, `(K, ...)`, or None.
        mask: the predictions' `_keras_mask`, `(K, ...)`, or None.
        backend: whose order of operations is mirrored where they differ.
        extra: the user's own definitions, by name; they win over the built-in ones.

    Raises:
        UnknownDefinition: nothing here defines that metric, one of its arguments, or its dtype.

    >>> spec = MetricSpec(key="accuracy", name="binary_accuracy")
    >>> evaluate_metrics(spec, np.ones((2, 1, 1)), np.array([[[0.9]], [[0.2]]])).values
    array([1., 0.])
    """
    metric_dtype(spec)
    labels, predictions = np.asarray(y_true), np.asarray(y_pred)
    with np.errstate(all="ignore"):
        elements = stacked_elements(definition_of(spec, backend, extra), labels, predictions)
        dtype = floating(predictions).dtype
        elements = elements._replace(values=_within_range(elements.values, dtype))
        weights = masked_weights(sample_weight, mask, rescale=False)
        return mean_metrics(elements, weights, precision(dtype))


def mean_metrics(
    elements: Elements, weights: AnyArray | None, constants: Precision
) -> StackedMetrics:
    """Reduce elements to what each of K batches adds to a `keras.metrics.Mean`.

    Args:
        elements: the unreduced values, shape `(K, N, ...)`.
        weights: sample weights with the masks merged in, `(K, ...)`, or None.
        constants: the precision that the elements were computed in.
    """
    means = accumulate_means(elements.values, weights, elements.mask)
    errors, count_errors = _uncertainties(elements, weights, means, constants)
    near_ties = np.zeros(len(errors), dtype=np.int64)
    if elements.ties is not None and elements.ties.any():
        near_ties = np.count_nonzero(elements.ties.reshape(len(errors), -1), axis=1)
    empty = means.counts == 0.0
    if not empty.any():
        values, tolerances = means.totals / means.counts, errors / np.abs(means.counts)
    else:
        divisors = np.where(empty, np.inf, means.counts)
        values, tolerances = means.totals / divisors, errors / np.abs(divisors)
    return StackedMetrics(means.totals, means.counts, values, near_ties, tolerances, count_errors)


def _uncertainties(
    elements: Elements, weights: AnyArray | None, means: Samplewise, constants: Precision
) -> tuple[Float64Array, Float64Array]:
    """Bound the errors of totals and counts: near ties in full, roundings of elements and sums."""
    heft = None if weights is None else magnitudes(weights)
    scale, sizes = means, magnitudes(elements.values)
    if heft is not weights or sizes is not elements.values:
        scale = accumulate_means(sizes, heft, elements.mask)
    size = elements.values.size // max(len(elements.values), 1)
    # Totals and counts are sums of their own, and float32 whatever the predictions are.
    roundoff = precision(np.dtype(np.float32)).roundoff
    summing = accumulation(size)
    bound = roundoff * (2.0 * summing + WEIGHTING) * scale.totals + scale.drifts
    if elements.roundings is not None:
        carried = accumulate_means(elements.roundings, heft, elements.mask).totals
        bound = bound + constants.roundoff * carried + constants.smallest * size
    if elements.ties is not None and elements.ties.any():
        bound = bound + accumulate_means(elements.ties, heft).totals
    # Whole numbers are added without rounding.
    exact = heft is None or (heft.ndim <= 2 and bool((heft == np.rint(heft)).all()))
    return bound, (0.0 if exact else roundoff * summing) * scale.counts


def _both(first: npt.ArrayLike | None, second: AnyArray | None) -> AnyArray | None:
    if first is None or second is None:
        return second if first is None else np.asarray(first)
    given, own = broadcastable(np.asarray(first, dtype=np.bool_), second)
    return given & own
