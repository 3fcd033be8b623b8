"""Circle loss: pairs of one class drawn together, pairs of two classes pushed apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.layout import AnyArray, Float64Array, floating, held
from lossmon.recompute.rounding import FUNCTION, Elements, accumulation, precision

_SMALLEST_SUBNORMAL = 2.0**-149


def circle_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    ref_labels: npt.ArrayLike | None = None,
    ref_embeddings: npt.ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
    backend: Backend = "tensorflow",
) -> Elements:
    """Circle losses with their bounds; `mask` leaves out those that are 0, as Keras does."""
    vectors = floating(y_pred).astype(np.float64)
    others = vectors if ref_embeddings is None else np.asarray(ref_embeddings, dtype=np.float64)
    distance, gathered = _cosine_distances(vectors, others)
    same = _same_class(y_true, y_true if ref_labels is None else ref_labels)
    different = ~same
    if remove_diagonal:
        same = same & ~np.eye(*same.shape, dtype=bool)
    edge, scale = held(margin, y_pred), held(gamma, y_pred)
    pulls = _pull(edge + distance, edge - distance, -scale, gathered)
    pushes = _pull(1.0 + edge - distance, 1.0 - edge - distance, scale, gathered)
    pulled, pull_error = _log_sum(*pulls, same)
    pushed, push_error = _log_sum(*pushes, different)
    total = pulled + pushed
    values = np.logaddexp(0.0, total)
    alone = np.isneginf(total)
    errors = pull_error + push_error + np.abs(np.where(alone, 0.0, total))
    slope = np.exp(np.minimum(total - values, 0.0))
    roundings = slope * errors + 2.0 * FUNCTION * values
    # What underflows is 0, hence masked; torch alone keeps subnormal numbers.
    smallest = precision(floating(y_pred).dtype).smallest
    mask = values >= (_SMALLEST_SUBNORMAL if backend == "torch" else smallest)
    return Elements(values, roundings, mask)


def circle(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    ref_labels: npt.ArrayLike | None = None,
    ref_embeddings: npt.ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Float64Array:
    """log(1 + Σ e^(γ (1 + m - d) (1 - m - d)) · Σ e^(-γ (m + d) (m - d))) for each sample.

    d is the cosine distance 1 - a · b, not below 0; the first sum runs over samples of other
    classes, the second over those of the same class. Without either the loss is 0.

    Source: Sun and others, *Circle loss: a unified perspective of pair similarity optimization*,
    2020.

    Args:
        y_true: class ids, shape `(N,)` or `(N, 1)`.
        y_pred: embeddings of length 1, shape `(N, D)`.
        ref_labels: class ids to compare with; `y_true` where None.
        ref_embeddings: embeddings to compare with; `y_pred` where None.
        remove_diagonal: whether a sample is not compared with itself.
        gamma: γ, the scale.
        margin: m, the relaxation.

    Returns:
        Float64, shape `(N,)`.

    >>> circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], gamma=1.0).round(4)
    array([0.5459, 0.5459, 0.    ])
    """
    return circle_elements(
        y_true,
        y_pred,
        ref_labels=ref_labels,
        ref_embeddings=ref_embeddings,
        remove_diagonal=remove_diagonal,
        gamma=gamma,
        margin=margin,
    ).values


def _cosine_distances(
    first: Float64Array, second: Float64Array
) -> tuple[Float64Array, Float64Array]:
    magnitude = np.abs(first) @ np.abs(second).T
    distance = np.maximum(1.0 - first @ second.T, 0.0)
    return distance, (accumulation(first.shape[-1]) + 1.0) * magnitude + distance


def _same_class(labels: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    rows, columns = (np.asarray(ids).astype(np.int32) for ids in (labels, others))
    rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
    return rows == (columns.reshape(-1, 1) if columns.ndim == 1 else columns).T


def _pull(
    reach: Float64Array, offset: Float64Array, scale: float, gathered: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return scale · max(reach, 0) · offset, where both factors carry the distance's error."""
    weight = np.maximum(reach, 0.0)
    product = scale * weight * offset
    errors = weight * (gathered + np.abs(offset) + 1.0) + np.abs(offset) * (gathered + weight + 1.0)
    return product, np.abs(scale) * errors + 2.0 * np.abs(product)


def _log_sum(
    terms: Float64Array, errors: Float64Array, counted: AnyArray
) -> tuple[Float64Array, Float64Array]:
    """Return log Σ e^x of each row's counted terms; errors enter by their share of the sum."""
    terms = np.where(counted, terms, -np.inf)
    largest = terms.max(axis=1, keepdims=True)
    shifted = np.where(counted, terms - np.where(np.isfinite(largest), largest, 0.0), -np.inf)
    powers = np.exp(shifted)
    total = np.add.reduce(powers, axis=1, keepdims=True)
    # An empty row has no share to give; its logarithm is set below.
    empty = total == 0.0
    filled = np.where(empty, 1.0, total)
    shares = powers / filled
    distance = np.where(counted, np.abs(shifted) + FUNCTION, 0.0)
    carried = np.add.reduce(shares * (np.where(counted, errors, 0.0) + distance), axis=1)
    values = np.where(empty, -np.inf, np.log(filled) + largest)[:, 0]
    last = FUNCTION * np.log(np.maximum(total, 1.0))[:, 0] + accumulation(terms.shape[1])
    return values, carried + last + np.where(np.isfinite(values), np.abs(values), 0.0)
