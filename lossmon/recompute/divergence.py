"""Losses between distributions and directions: KL divergence, Poisson, cosine similarity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.drift import drifts
from lossmon.recompute.layout import Float64Array, operands
from lossmon.recompute.rounding import (
    EPSILON,
    FUNCTION,
    Elements,
    accumulation,
    mean_of,
    precision,
)

_SINGLE = precision(np.dtype(np.float32)).roundoff


def kl_divergence_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    epsilon: float = EPSILON,
) -> Elements:
    """Kullback-Leibler divergences of a batch with their bounds.

    The quotient costs the logarithm one u. XLA adds classes and samples in one running sum, in
    which the small terms of classes that a label rules out are lost, each the same way: how far
    that drifts is measured over the terms of the whole batch.
    """
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    truth = np.minimum(np.maximum(labels, constants.epsilon), 1.0)
    forecast = np.minimum(np.maximum(predictions, constants.epsilon), 1.0)
    terms = truth * np.log(truth / forecast)
    summing = FUNCTION + 1.0 + accumulation(terms.shape[-1])
    roundings = np.add.reduce(truth + summing * np.abs(terms), axis=-1)
    if constants.roundoff == _SINGLE and roundings.size:
        drift = float(drifts(terms.reshape(1, -1))[0])
        roundings = roundings + drift / constants.roundoff / roundings.size
    return Elements(np.add.reduce(terms, axis=-1), roundings)


def kl_divergence(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Σ y log(y / p) over the last axis, both clipped to [1e-7, 1].

    Source: Kullback and Leibler, *On information and sufficiency*, 1951.

    Args:
        y_true: distributions, shape `(..., C)`.
        y_pred: distributions, shape `(..., C)`.

    Returns:
        Float64, nats, shape `(...)`.

    >>> kl_divergence([[1.0, 0.0]], [[0.5, 0.5]]).round(5)
    array([0.69315])
    """
    return kl_divergence_elements(y_true, y_pred).values


def poisson_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    epsilon: float = EPSILON,
) -> Elements:
    """Poisson losses with their bounds: adding epsilon costs the logarithm one u.

    Keras' metric of that name does not fit ranks to one another: `(N,)` meets each of `(N, 1)`.
    """
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    products = labels * np.log(predictions + constants.epsilon)
    terms = predictions - products
    roundings = np.abs(labels) + (FUNCTION + 1.0) * np.abs(products) + np.abs(terms)
    return mean_of(terms, roundings)


def poisson(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of ŷ - y log(ŷ + 1e-7), the Poisson log-likelihood up to log y!.

    Args:
        y_true: counts, shape `(..., D)`.
        y_pred: expected counts, shape `(..., D)`.

    Returns:
        Float64, nats, shape `(...)`.

    >>> poisson([[1.0, 0.0]], [[1.0, 1.0]]).round(6)
    array([1.])
    """
    return poisson_elements(y_true, y_pred).values


def cosine_similarity_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Elements:
    """Negative cosine similarities with their bounds."""
    directions = cosine_direction_elements(y_true, y_pred, axis=axis, epsilon=epsilon)
    return directions._replace(values=-directions.values)


def cosine_direction_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Elements:
    """Cosine similarities with the sign that Keras' *metric* of the same name has.

    A norm gathers a square, half of a sum's roundings and a reciprocal root; each vector is
    multiplied by its own, then by the other, then summed.
    """
    labels, predictions, constants = operands(y_true, y_pred, epsilon=epsilon)
    products = _unit(labels, constants.epsilon, axis) * _unit(predictions, constants.epsilon, axis)
    summing = accumulation(products.shape[axis])
    per_vector = 0.5 * (1.0 + summing) + FUNCTION + 1.0
    magnitude = np.add.reduce(np.abs(products), axis=axis)
    roundings = (2.0 * per_vector + 1.0 + summing) * magnitude
    return Elements(np.add.reduce(products, axis=axis), roundings)


def cosine_similarity(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: int = -1
) -> Float64Array:
    """-Σ y ŷ / (‖y‖ ‖ŷ‖) over an axis, norms raised to 1e-7 where they are smaller.

    Args:
        y_true: vectors, shape `(..., D)`.
        y_pred: vectors, shape `(..., D)`.
        axis: the axis that the vectors lie along.

    Returns:
        Float64, from -1 (same direction) to 1, shape `(...)`.

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]])
    array([-1.])
    """
    return cosine_similarity_elements(y_true, y_pred, axis=axis).values


def _unit(vectors: Float64Array, smallest: float, axis: int) -> Float64Array:
    norm = np.sqrt(np.add.reduce(vectors * vectors, axis=axis, keepdims=True))
    return vectors / np.maximum(norm, smallest)
