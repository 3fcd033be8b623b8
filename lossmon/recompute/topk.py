"""Top-k accuracies: whether the right class is among the k strongest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.accuracies import TIE
from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.layout import AnyArray, Float64Array, by_columns, pick
from lossmon.recompute.rounding import Elements, precision


def top_k_categorical_accuracy_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, k: int = 5, backend: Backend = "tensorflow"
) -> Elements:
    """Matches of one-hot labels among the k strongest classes."""
    return _among_strongest(np.argmax(np.asarray(y_true), axis=-1), np.asarray(y_pred), k, backend)


def top_k_categorical_accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, k: int = 5, backend: Backend = "tensorflow"
) -> Float64Array:
    """1 where fewer than k classes score higher than the right one.

    Args:
        y_true: one-hot or soft labels, shape `(..., C)`.
        y_pred: probabilities or logits, shape `(..., C)`.
        k: how many of the strongest classes count.
        backend: on TensorFlow a row with a non-finite score never matches; torch ranks NaN above
            every number, JAX below.

    Returns:
        Float64 of 0 and 1, shape `(...)`.

    >>> top_k_categorical_accuracy([[1, 0, 0], [0, 0, 1]], [[0.3, 0.6, 0.1]] * 2, k=2)
    array([1., 0.])
    """
    return top_k_categorical_accuracy_elements(y_true, y_pred, k=k, backend=backend).values


def sparse_top_k_categorical_accuracy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    k: int = 5,
    from_sorted_ids: bool = False,
    backend: Backend = "tensorflow",
) -> Elements:
    """Matches of class ids among the k strongest classes."""
    labels, scores = np.asarray(y_true), np.asarray(y_pred)
    if from_sorted_ids:
        return _among_sorted(labels, scores, k)
    if labels.ndim == scores.ndim and labels.shape[-1] == 1:
        elements = _among_strongest(labels[..., 0], scores, k, backend)
        return Elements(
            elements.values[..., None],
            ties=None if elements.ties is None else elements.ties[..., None],
        )
    return _among_strongest(labels, scores, k, backend)


def sparse_top_k_categorical_accuracy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    k: int = 5,
    from_sorted_ids: bool = False,
    backend: Backend = "tensorflow",
) -> Float64Array:
    """1 where fewer than k classes score higher than the one that the label names.

    Args:
        y_true: class ids, shape `(...)` or `(..., 1)`.
        y_pred: probabilities or logits, shape `(..., C)`; class ids, strongest first, with
            `from_sorted_ids`.
        k: how many of the strongest classes count.
        from_sorted_ids: whether the predictions are ids already.
        backend: on TensorFlow a row with a non-finite score never matches; torch ranks NaN above
            every number, JAX below.

    Returns:
        Float64 of 0 and 1, shape of `y_true`.

    >>> sparse_top_k_categorical_accuracy([0, 2], [[0.3, 0.6, 0.1]] * 2, k=2)
    array([1., 0.])
    """
    return sparse_top_k_categorical_accuracy_elements(
        y_true, y_pred, k=k, from_sorted_ids=from_sorted_ids, backend=backend
    ).values


def _among_sorted(labels: AnyArray, ids: AnyArray, k: int) -> Elements:
    flat = labels.reshape(-1, 1).astype(ids.dtype, copy=False)
    matches = (flat == ids.reshape(-1, ids.shape[-1])[:, :k]).any(axis=-1)
    return Elements(matches.reshape(labels.shape).astype(np.float64))


def _among_strongest(labels: AnyArray, scores: AnyArray, k: int, backend: Backend) -> Elements:
    """Count the classes above the right one; near ties could push it across rank k."""
    classes = scores.shape[-1]
    ids = labels.astype(np.int64, copy=False)
    named = (ids >= 0) & (ids < classes)
    own = pick(scores, np.where(named, ids, 0))[..., None]
    scores = by_columns(scores)
    if backend == "jax":
        own = np.where(np.isnan(own), -np.inf, own)
    above = scores > own
    if backend == "torch":
        above |= np.isnan(scores)
    matches = named & (above.sum(axis=-1) < k) & ~np.isnan(own[..., 0])
    if backend == "tensorflow":
        matches &= np.isfinite(scores).all(axis=-1)
    reach = TIE * precision(scores.dtype).roundoff * np.abs(own)
    surely_above = (scores > own + reach).sum(axis=-1)
    perhaps_above = classes - 1 - (scores < own - reach).sum(axis=-1)
    ties = named & (surely_above < k) & (perhaps_above >= k)
    return Elements(matches.astype(np.float64), ties=ties)
