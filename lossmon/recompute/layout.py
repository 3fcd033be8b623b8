"""The canonical layout of labels and predictions: dtypes and ranks as Keras makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.recompute.rounding import EPSILON, Precision, precision

AnyArray = npt.NDArray[Any]
Float64Array = npt.NDArray[np.float64]


def align_ranks(
    first: AnyArray, second: AnyArray, *, batch_axes: int = 0
) -> tuple[AnyArray, AnyArray]:
    """Bring two arrays to one rank where they differ by a last axis of length 1.

    Mirrors `keras.losses.loss.squeeze_or_expand_to_same_rank`: a rank-1 partner is expanded to
    `(N, 1)`, in all other cases the last axis is dropped; what does not fit is left as it is.

    Args:
        first: one array.
        second: the other.
        batch_axes: how many axes in front count batches, and do not belong to any of them.

    >>> [a.shape for a in align_ranks(np.zeros(3), np.zeros((3, 1)))]
    [(3, 1), (3, 1)]
    >>> [a.shape for a in align_ranks(np.zeros((3, 2, 1)), np.zeros((3, 2)))]
    [(3, 2), (3, 2)]
    """
    rank_one = 1 + batch_axes
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        return (first, second[..., None]) if second.ndim == rank_one else (first[..., 0], second)
    if second.ndim == first.ndim + 1 and second.shape[-1] == 1:
        return (first[..., None], second) if first.ndim == rank_one else (first, second[..., 0])
    return first, second


def align_stacks(first: AnyArray, second: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Bring two stacks of batches to one rank, each batch as `align_ranks` and broadcasting do it.

    Args:
        first: shape `(K, ...)`.
        second: shape `(K, ...)`.

    >>> [a.shape for a in align_stacks(np.zeros((2, 3, 4)), np.zeros((2, 4)))]
    [(2, 3, 4), (2, 1, 4)]
    """
    return broadcastable(*align_ranks(first, second, batch_axes=1))


def broadcastable(first: AnyArray, second: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Bring two stacks to one rank, so that they broadcast as each two batches would alone."""
    rank = max(first.ndim, second.ndim)
    return _padded(first, rank), _padded(second, rank)


def _padded(stack: AnyArray, rank: int) -> AnyArray:
    """Insert axes of length 1 in front of each batch, where broadcasting would."""
    if stack.ndim == rank:
        return stack
    return stack.reshape(len(stack), *(1,) * (rank - stack.ndim), *stack.shape[1:])


def operands(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    align: bool = True,
    epsilon: float = EPSILON,
) -> tuple[Float64Array, Float64Array, Precision]:
    """Return labels and predictions as float64, and the precision that Keras computes in.

    Labels are first cast to the dtype of the predictions, as every Keras loss does: a float64
    target loses its tail there, and the loss is a loss of what is left.

    Args:
        y_true: labels of any dtype.
        y_pred: predictions; their dtype is the compute dtype (integers count as float32).
        align: whether the definition fits the ranks to one another.
        epsilon: `keras.config.epsilon()`.
    """
    predictions = floating(y_pred)
    labels = np.asarray(y_true)
    if align:
        labels, predictions = align_ranks(labels, predictions)
    if labels.dtype != predictions.dtype:
        labels = labels.astype(predictions.dtype)
    return doubled(labels), doubled(predictions), precision(predictions.dtype, epsilon)


FEW_CLASSES = 64
"""As many as a row may have to be called short."""


def doubled(values: AnyArray) -> Float64Array:
    """Return a copy in float64, column by column in memory where rows are short.

    NumPy reduces a short last axis row by row, and ten times as fast when columns lie together.
    """
    return values.astype(np.float64, order="F" if _has_short_rows(values) else "C")


def by_columns(values: AnyArray) -> AnyArray:
    """Return values in their own dtype, column by column in memory where rows are short."""
    return np.asfortranarray(values) if _has_short_rows(values) else values


def _has_short_rows(values: AnyArray) -> bool:
    return values.ndim == 2 and 1 < values.shape[1] <= FEW_CLASSES


def pick(rows: AnyArray, columns: npt.NDArray[np.int64]) -> AnyArray:
    """Take one element of each row of the last axis; a flat index is twice as fast as an axis.

    Args:
        rows: shape `(..., C)`.
        columns: from 0 to C - 1, shape `(...)`.

    >>> pick(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    array([2., 3.])
    """
    if rows.ndim == 2 and rows.flags.f_contiguous:
        return rows.T.reshape(-1).take(columns * len(rows) + np.arange(len(rows)))
    starts = np.arange(0, rows.size, rows.shape[-1]).reshape(columns.shape)
    return rows.reshape(-1).take(starts + columns)


SLICE = 65_536
"""Scores that are evaluated at once: half a MiB in float64, which stays in a processor's cache."""


def slices(rows: int, width: int = 1) -> Iterator[slice]:
    """Cut rows of so many scores into slices of about `SLICE` scores.

    >>> list(slices(3, SLICE))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    height = max(SLICE // max(width, 1), 1)
    return (slice(start, min(start + height, rows)) for start in range(0, rows, height))


def strongest(rows: AnyArray) -> npt.NDArray[np.int64]:
    """Return the place of each row's largest score, `(N,)`, of scores `(N, C)`.

    Slice by slice: NumPy's `argmax` copies what may not be written to, as tensors of TensorFlow.

    >>> strongest(np.array([[0.1, 0.9], [0.8, 0.2]]))
    array([1, 0])
    """
    found = np.empty(len(rows), np.int64)
    for part in slices(*rows.shape):
        found[part] = rows[part].argmax(axis=-1)
    return found


def floating(y_pred: npt.ArrayLike) -> AnyArray:
    """Return predictions as they are where they are floating numbers, else as float32."""
    predictions = np.asarray(y_pred)
    # ml_dtypes.bfloat16, which TensorFlow and JAX hand out, is of kind "V".
    return predictions if predictions.dtype.kind in "fV" else predictions.astype(np.float32)


def held(number: float, y_pred: npt.ArrayLike) -> float:
    """Return a number as the compute dtype of the predictions holds it.

    >>> held(0.1, np.zeros(1, dtype=np.float16))
    0.0999755859375
    """
    return float(np.asarray(number, dtype=floating(y_pred).dtype))
