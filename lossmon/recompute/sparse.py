"""Cross-entropy in nats of labels that are class ids."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import (
    Backend,
    clip_probabilities,
    log_normalised,
    log_softmax,
)
from lossmon.recompute.layout import Float64Array, floating
from lossmon.recompute.rounding import FUNCTION, Elements, Precision, accumulation, precision

_TORCH_IGNORE_INDEX = -100


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
        log_p, common = log_softmax(scores, -1)
    elif backend == "tensorflow":
        log_p, common = _log_renormalised(scores, constants)
    else:
        log_p, common = log_normalised(scores, constants, -1)
    values = _chosen(log_p, ids, backend)
    if from_logits and backend == "jax":
        # A product with a one-hot row: 0 times infinity.
        values = np.where(np.isfinite(log_p).all(axis=-1), values, np.nan)
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
    the rest is the bound of `log_softmax`.
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
