"""Cross-entropies in nats, from probabilities or from logits.

Keras clips probabilities to [1e-7, 1 - 1e-7] in the compute dtype. In float32 the upper end is
1 - 1.19e-7, which is mirrored here: a certain and wrong sample costs 15.94 there, not 16.12.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, floating, operands
from lossmon.recompute.rounding import (
    FUNCTION,
    Elements,
    Precision,
    accumulation,
    mean_of,
    precision,
)

Backend = Literal["tensorflow", "jax", "torch"]

_SMOOTHING = 3.0
"""Roundings of a smoothed label: of 1 - s, of its product with y, of the sum."""

_TORCH_IGNORE_INDEX = -100


def clip_probabilities(probabilities: Float64Array, constants: Precision) -> Float64Array:
    """Clip to [1e-7, 1 - 1e-7] as the compute dtype holds the two ends; NaN stays NaN."""
    return np.minimum(np.maximum(probabilities, constants.epsilon), constants.ceiling)


def binary_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Elements:
    """Binary cross-entropies with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + 0.5 * label_smoothing
    smoothed = _SMOOTHING if label_smoothing else 0.0
    of_scores = _binary_from_logits if from_logits else _binary_from_probabilities
    terms, roundings = of_scores(labels, predictions, constants, smoothed)
    return mean_of(terms, roundings, axis)


def _binary_from_probabilities(
    labels: Float64Array, predictions: Float64Array, constants: Precision, smoothed: float
) -> tuple[Float64Array, Float64Array]:
    """-y log p - (1 - y) log(1 - p): rounding 1 - p costs the second logarithm one u, absolute."""
    clipped = clip_probabilities(predictions, constants)
    if_one, if_zero = -np.log(clipped), -np.log1p(-clipped)
    terms = labels * if_one + (1.0 - labels) * if_zero
    weight = np.abs(labels)
    counter_weight = np.abs(1.0 - labels)
    roundings = counter_weight + (FUNCTION + 2.0 + smoothed) * weight * if_one
    roundings += ((FUNCTION + 3.0) * counter_weight + smoothed * weight) * if_zero
    return terms, roundings


def _binary_from_logits(
    labels: Float64Array, logits: Float64Array, _constants: Precision, smoothed: float
) -> tuple[Float64Array, Float64Array]:
    """max(x, 0) - x y + log(1 + e^-|x|), where the product is exact for labels 0 and 1."""
    softplus = np.log1p(np.exp(-np.abs(logits)))
    linear = np.maximum(logits, 0.0) - logits * labels
    terms = linear + softplus
    soft = labels * (1.0 - labels) != 0.0
    roundings = (2.0 + smoothed) * soft * np.abs(logits * labels)
    roundings += soft * np.abs(linear) + 2.0 * FUNCTION * softplus + np.abs(terms)
    return terms, roundings


def binary_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float64Array:
    """Mean over an axis of -y log p - (1 - y) log(1 - p).

    Args:
        y_true: labels in [0, 1], shape `(..., D)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., D)`.
        from_logits: whether a sigmoid is still to be applied.
        label_smoothing: s in y (1 - s) + s / 2, applied to the labels first.
        axis: the axis that the mean is taken over.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> binary_crossentropy([[1, 0]], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    return binary_crossentropy_elements(
        y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    ).values


def categorical_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Elements:
    """Categorical cross-entropies with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + label_smoothing / labels.shape[-1]
    if from_logits:
        log_p, common = _log_softmax(predictions, axis)
    else:
        log_p, common = _log_normalised(predictions, constants, axis)
    terms = -labels * log_p
    weight = np.abs(labels)
    per_log = FUNCTION + 1.0 + accumulation(predictions.shape[axis])
    per_log += _SMOOTHING if label_smoothing else 0.0
    roundings = weight * common + per_log * np.abs(terms)
    return Elements(np.add.reduce(terms, axis=axis), np.add.reduce(roundings, axis=axis))


def categorical_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float64Array:
    """Cross-entropy -Σ y log p over the class axis.

    Probabilities are divided by their sum first, then clipped, as on every Keras backend.

    Args:
        y_true: one-hot or soft labels, shape `(..., C)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., C)`.
        from_logits: whether a softmax is still to be applied.
        label_smoothing: s in y (1 - s) + s / C, applied to the labels first.
        axis: the class axis.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> categorical_crossentropy([[0, 1]], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    return categorical_crossentropy_elements(
        y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    ).values


def _log_softmax(logits: Float64Array, axis: int) -> tuple[Float64Array, Float64Array]:
    """Return log p = x - max - log Σ e^(x - max), and the bound that all classes share.

    The sum is at least 1, its largest term exact. Relative errors of the other terms (the
    exponential, and |x - max| from rounding the difference, at most log C on average) and of the
    summation are absolute errors of its logarithm.
    """
    shifted = logits - logits.max(axis=axis, keepdims=True)
    total = np.add.reduce(np.exp(shifted), axis=axis, keepdims=True)
    log_total = np.log(total)
    classes = logits.shape[axis]
    common = FUNCTION * (1.0 - 1.0 / total + log_total)
    common += accumulation(classes) + 1.0 + math.log(classes)
    return shifted - log_total, common


def _log_normalised(
    probabilities: Float64Array, constants: Precision, axis: int
) -> tuple[Float64Array, Float64Array]:
    """Return log(clip(p / Σ p)), and the bound that all classes share.

    The quotient's relative error is the logarithm's absolute one. Where scores of both signs
    cancel in the sum, its error grows by Σ |p| / |Σ p|.
    """
    total = np.add.reduce(probabilities, axis=axis, keepdims=True)
    magnitude = np.add.reduce(np.abs(probabilities), axis=axis, keepdims=True)
    log_p = np.log(clip_probabilities(probabilities / total, constants))
    summing = accumulation(probabilities.shape[axis])
    return log_p, summing * magnitude / np.abs(total) + 1.0


def sparse_categorical_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    backend: Backend = "tensorflow",
) -> Elements:
    """Sparse categorical cross-entropies with their bounds; `mask` where a class is ignored."""
    scores = floating(y_pred)
    constants = precision(scores.dtype)
    scores = scores.astype(np.float64)
    if axis not in (-1, scores.ndim - 1):
        scores = np.moveaxis(scores, axis, -1)
    ids, valid = _class_ids(y_true, scores.ndim, axis, ignore_class)
    if from_logits:
        log_p, common = _log_softmax(scores, -1)
    elif backend == "tensorflow":
        log_p, common = _log_renormalised(scores, constants)
    else:
        log_p, common = _log_normalised(scores, constants, -1)
    values = _chosen(log_p, ids, backend)
    roundings = common[..., 0] + (FUNCTION + 2.0) * np.abs(values)
    if valid is None:
        return Elements(values, roundings)
    return Elements(np.where(valid, values, 0.0), np.where(valid, roundings, 0.0), valid)


def sparse_categorical_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    backend: Backend = "tensorflow",
) -> Float64Array:
    """Cross-entropy -log p of the class that the label names.

    From probabilities, the backends differ: TensorFlow clips, then divides by the sum of the
    clipped ones (a softmax over their logarithms); JAX and torch divide by the sum, then clip.

    Args:
        y_true: class ids, shape `(...)` or `(..., 1)`. An id that names no class costs NaN, on JAX
            0 (its one-hot row is empty), as does -100 on torch.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., C)`.
        from_logits: whether a softmax is still to be applied.
        ignore_class: an id whose elements cost 0.
        axis: the class axis.
        backend: whose order of operations is mirrored.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    return sparse_categorical_crossentropy_elements(
        y_true,
        y_pred,
        from_logits=from_logits,
        ignore_class=ignore_class,
        axis=axis,
        backend=backend,
    ).values


def _class_ids(
    y_true: npt.ArrayLike, rank: int, axis: int, ignore_class: int | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
    """Return class ids without a class axis, and where they are not the ignored class."""
    labels = np.asarray(y_true)
    if labels.ndim == rank and labels.shape[axis] == 1:
        labels = np.squeeze(labels, axis=axis)
    valid = None if ignore_class is None else labels != ignore_class
    ids = labels.astype(np.int64, copy=False)
    return (ids, None) if valid is None else (np.where(valid, ids, 0), valid)


def _log_renormalised(
    probabilities: Float64Array, constants: Precision
) -> tuple[Float64Array, Float64Array]:
    """Return log(q / Σ q) of the clipped probabilities q, as a softmax over log q gives it.

    Each logarithm's own error enters the sum in proportion to q, hence FUNCTION times the entropy;
    the rest is the bound of `_log_softmax`.
    """
    clipped = clip_probabilities(probabilities, constants)
    logits = np.log(clipped)
    total = np.add.reduce(clipped, axis=-1, keepdims=True)
    largest = clipped.max(axis=-1, keepdims=True)
    entropy = -np.add.reduce(clipped * logits, axis=-1, keepdims=True) / total
    log_ratio = np.log(total / largest)
    common = FUNCTION * (1.0 - largest / total + log_ratio + entropy)
    classes = probabilities.shape[-1]
    common += accumulation(classes) + 1.0 + math.log(classes)
    return logits - np.log(total), common


def _chosen(log_p: Float64Array, ids: npt.NDArray[np.int64], backend: Backend) -> Float64Array:
    """Return -log p of the named classes, with each backend's answer for ids that name none."""
    classes = log_p.shape[-1]
    named = (ids >= 0) & (ids < classes)
    if named.all():
        return -_pick(log_p, ids)
    values = -_pick(log_p, np.where(named, ids, 0))
    unnamed = np.where(ids == _TORCH_IGNORE_INDEX, 0.0, np.nan) if backend == "torch" else np.nan
    return np.where(named, values, 0.0 if backend == "jax" else unnamed)


def _pick(rows: Float64Array, columns: npt.NDArray[np.int64]) -> Float64Array:
    """Take one column of each row; indexing the flat array is twice as fast as along an axis."""
    starts = np.arange(0, rows.size, rows.shape[-1]).reshape(columns.shape)
    return rows.reshape(-1).take(starts + columns)
