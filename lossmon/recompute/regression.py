"""Regression losses: mean errors over the last axis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, held, operands
from lossmon.recompute.rounding import EPSILON, FUNCTION, Elements, mean_of


def squared_error_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Mean squared errors with their bounds: the difference counts twice, the square once."""
    labels, predictions, _ = operands(y_true, y_pred)
    error = predictions - labels
    return mean_of(error * error, 3.0)


def mean_squared_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of the squared errors: mean((ŷ - y)²).

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`; shapes that differ broadcast, as in Keras.

    Returns:
        Float64, shape `(...)`, in squared units of the target.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]])
    array([2.5])
    """
    return squared_error_elements(y_true, y_pred).values


def absolute_error_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Mean absolute errors with their bounds."""
    labels, predictions, _ = operands(y_true, y_pred)
    return mean_of(np.abs(predictions - labels), 1.0)


def mean_absolute_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of the absolute errors: mean(|ŷ - y|).

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`, in units of the target.

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]])
    array([1.5])
    """
    return absolute_error_elements(y_true, y_pred).values


def absolute_percentage_error_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    epsilon: float = EPSILON,
) -> Elements:
    """Mean absolute percentage errors with their bounds: difference, quotient, factor 100."""
    labels, predictions, constants = operands(y_true, y_pred, epsilon=epsilon)
    error = np.abs(predictions - labels) / np.maximum(np.abs(labels), constants.epsilon)
    return mean_of(100.0 * error, 3.0)


def mean_absolute_percentage_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of the absolute errors in percent of the target.

    The target's magnitude is raised to 1e-7 where it is smaller, as Keras does.

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`, in percent.

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 5.0]])
    array([37.5])
    """
    return absolute_percentage_error_elements(y_true, y_pred).values


def squared_logarithmic_error_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    epsilon: float = EPSILON,
) -> Elements:
    """Mean squared logarithmic errors with their bounds.

    Adding 1 costs each logarithm one u, absolute; what the difference of logarithms has gathered
    passes through the square with the factor 2 |difference|.
    """
    labels, predictions, constants = operands(y_true, y_pred, epsilon=epsilon)
    log_predictions = np.log1p(np.maximum(predictions, constants.epsilon))
    log_labels = np.log1p(np.maximum(labels, constants.epsilon))
    error = np.abs(log_predictions - log_labels)
    gathered = 2.0 + FUNCTION * (log_predictions + log_labels) + error
    return mean_of(error * error, 2.0 * error * gathered + error * error)


def mean_squared_logarithmic_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of (log(1 + ŷ) - log(1 + y))².

    Both are raised to 1e-7 where they are smaller, as Keras does, so negative values count as 0.

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`.

    >>> mean_squared_logarithmic_error([[0.0]], [[np.e - 1.0]]).round(6)
    array([1.])
    """
    return squared_logarithmic_error_elements(y_true, y_pred).values


def huber_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, delta: float = 1.0) -> Elements:
    """Huber losses with their bounds: three operations in either branch."""
    labels, predictions, _ = operands(y_true, y_pred)
    edge = held(delta, y_pred)
    error = np.abs(predictions - labels)
    beyond = error > edge
    terms = np.where(beyond, edge * error - 0.5 * edge * edge, 0.5 * error * error)
    roundings = np.where(beyond, 2.0 * edge * error + edge * edge, 2.0 * terms) + terms
    return mean_of(terms, roundings)


def huber(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, delta: float = 1.0) -> Float64Array:
    """Mean over the last axis of Huber's loss: e² / 2 up to |e| = δ, δ |e| - δ² / 2 beyond.

    Source: Huber, *Robust Estimation of a Location Parameter*, 1964.

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.
        delta: where the loss turns from a square into a line.

    Returns:
        Float64, shape `(...)`.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]])
    array([1.5])
    """
    return huber_elements(y_true, y_pred, delta=delta).values


def log_cosh_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Log-cosh losses with their bounds, for x + softplus(-2x) - log 2 as Keras computes it.

    Its log 2 is a float32, also where the loss is computed in float64.
    """
    log_two = float(np.float32(np.log(2.0)))
    labels, predictions, _ = operands(y_true, y_pred)
    error = predictions - labels
    softplus = np.logaddexp(0.0, -2.0 * error)
    terms = error + softplus - log_two
    roundings = np.abs(error) + FUNCTION * softplus + (terms + log_two) + 1.0 + terms
    return mean_of(terms, roundings)


def log_cosh(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of log(cosh(ŷ - y)).

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`.

    >>> log_cosh([[0.0]], [[1.0]]).round(6)
    array([0.433781])
    """
    return log_cosh_elements(y_true, y_pred).values
