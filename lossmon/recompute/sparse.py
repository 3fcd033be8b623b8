"""Cross-entropy in nats of labels that are class ids."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import (
    Backend,
    clip_probabilities,
    log_of_sum,
    normaliser,
)
from lossmon.recompute.layout import Float64Array, doubled, floating, pick
from lossmon.recompute.rounding import (
    EPSILON,
    FUNCTION,
    Elements,
    Precision,
    accumulation,
    precision,
)

_TORCH_IGNORE_INDEX = -100


def sparse_categorical_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    backend: Backend = "tensorflow",
    epsilon: float = EPSILON,
) -> Elements:
    """Sparse categorical cross-entropies with their bounds; `mask` where a class is ignored."""
    scores = floating(y_pred)
    constants = precision(scores.dtype, epsilon)
    if axis not in (-1, scores.ndim - 1):
        scores = np.moveaxis(scores, axis, -1)
    scores = doubled(scores)
    ids, valid = _class_ids(y_true, scores.ndim, axis, ignore_class)
    classes = scores.shape[-1]
    named = (ids >= 0) & (ids < classes)
    all_named = bool(named.all())
    chosen = ids if all_named else np.where(named, ids, 0)
    if from_logits:
        values, common = _of_logits(scores, chosen, backend)
    elif backend == "tensorflow":
        values, common = _of_clipped(scores, chosen, constants)
    else:
        values, common = _of_normalised(scores, chosen, constants)
    if not all_named:
        values = np.where(named, values, _of_no_class(ids, backend))
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


def _of_no_class(ids: npt.NDArray[np.int64], backend: Backend) -> Float64Array | float:
    """Return each backend's answer for ids that name no class."""
    if backend == "torch":
        return np.where(ids == _TORCH_IGNORE_INDEX, 0.0, np.nan)
    return 0.0 if backend == "jax" else np.nan


def _of_logits(
    logits: Float64Array, ids: npt.NDArray[np.int64], backend: Backend
) -> tuple[Float64Array, Float64Array]:
    """Return log Σ e^x - x; takes the place of the logits, as memory costs more than arithmetic."""
    logits -= logits.max(axis=-1, keepdims=True)
    chosen = pick(logits, ids)
    finite = np.isfinite(logits).all(axis=-1) if backend == "jax" else None
    log_total, common = log_of_sum(np.exp(logits, out=logits), -1)
    values = log_total[..., 0] - chosen
    if finite is not None:
        # A product with a one-hot row: 0 times infinity.
        values = np.where(finite & np.isfinite(log_total[..., 0]), values, np.nan)
    return values, common


def _of_normalised(
    probabilities: Float64Array, ids: npt.NDArray[np.int64], constants: Precision
) -> tuple[Float64Array, Float64Array]:
    """Return -log(clip(p / Σ p)), as JAX and torch have it."""
    total, common = normaliser(probabilities, -1)
    shares = pick(probabilities, ids) / total[..., 0]
    return -np.log(clip_probabilities(shares, constants)), common


def _of_clipped(
    probabilities: Float64Array, ids: npt.NDArray[np.int64], constants: Precision
) -> tuple[Float64Array, Float64Array]:
    """Return -log(q / Σ q) of the clipped probabilities q, as a softmax over log q gives it.

    Each logarithm's own error enters the sum in proportion to q, hence FUNCTION times the entropy;
    the rest is the bound of `log_partition`.
    """
    clipped = clip_probabilities(probabilities, constants)
    logits = np.log(clipped)
    total = np.add.reduce(clipped, axis=-1, keepdims=True)
    largest = clipped.max(axis=-1, keepdims=True)
    values = np.log(total)[..., 0] - pick(logits, ids)
    logits *= clipped
    entropy = -np.add.reduce(logits, axis=-1, keepdims=True) / total
    common = FUNCTION * (1.0 - largest / total + np.log(total / largest) + entropy)
    classes = probabilities.shape[-1]
    return values, common + accumulation(classes) + 1.0 + math.log(classes)
