"""Correlations of predictions with targets: of their course, and of their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, operands
from lossmon.recompute.rounding import EPSILON, Elements, accumulation

Axis = int | Sequence[int]
"""The axis, or axes, that a correlation is taken along."""


class _Centred(NamedTuple):
    """Values less their mean: `mean` and `variance` keep the axes; bounds as in `Elements`."""

    values: Float64Array
    mean: Float64Array
    variance: Float64Array
    mean_bound: Float64Array
    bound: Float64Array
    variance_bound: Float64Array


def pearson_correlation_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: Axis = -1
) -> Elements:
    """Pearson correlations with their bounds: both sides are divided by their own deviation."""
    labels, predictions, _ = operands(y_true, y_pred)
    axes = _axes(axis)
    true, pred = (_centred(side, axes) for side in (labels, predictions))
    scale = np.sqrt(true.variance * pred.variance)
    products = true.values * pred.values / scale
    carried = (true.bound * np.abs(pred.values) + pred.bound * np.abs(true.values)) / scale
    # A root halves the relative error of what is under it.
    deviations = sum(0.5 * side.variance_bound / side.variance for side in (true, pred))
    summing = accumulation(_length(products, axes)) + 8.0
    roundings = carried + (summing + deviations) * np.abs(products)
    return Elements(products.mean(axis=axes), roundings.mean(axis=axes))


def pearson_correlation(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: Axis = -1
) -> Float64Array:
    """Covariance over the product of the standard deviations, along an axis.

    Source: Pearson, *Notes on regression and inheritance in the case of two parents*, 1895.

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.
        axis: the axis, or axes, that the values lie along.

    Returns:
        Float64, from -1 to 1, shape `(...)`; NaN where either side does not vary.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(6)
    array([1.])
    """
    with np.errstate(all="ignore"):
        return pearson_correlation_elements(y_true, y_pred, axis=axis).values


def concordance_correlation_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: Axis = -1, epsilon: float = EPSILON
) -> Elements:
    """Concordance correlations with their bounds.

    Keras takes *both* sides less the mean of the predictions, which is the covariance all the same,
    with an error on the scale of those terms.
    """
    labels, predictions, constants = operands(y_true, y_pred, epsilon=epsilon)
    axes = _axes(axis)
    true, pred = (_centred(side, axes) for side in (labels, predictions))
    shift = true.mean - pred.mean
    offset = labels - pred.mean
    size = true.variance + pred.variance + shift * shift + constants.epsilon
    shift_bound = true.mean_bound + pred.mean_bound + np.abs(shift)
    size_bound = true.variance_bound + pred.variance_bound + 2.0 * np.abs(shift) * shift_bound
    size_bound += 4.0 * size
    terms = 2.0 * offset * pred.values / size
    carried = np.abs(pred.values) * (pred.mean_bound + np.abs(offset))
    carried += np.abs(offset) * pred.bound
    summing = accumulation(_length(terms, axes)) + 4.0
    roundings = 2.0 * carried / size + (summing + size_bound / size) * np.abs(terms)
    return Elements(terms.mean(axis=axes), roundings.mean(axis=axes))


def concordance_correlation(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: Axis = -1
) -> Float64Array:
    """2 cov(y, ŷ) / (var y + var ŷ + (mean y - mean ŷ)² + 1e-7): 1 only where values are equal.

    Source: Lin, *A concordance correlation coefficient to evaluate reproducibility*, 1989.

    Args:
        y_true: targets, shape `(..., D)`.
        y_pred: predictions, shape `(..., D)`.
        axis: the axis, or axes, that the values lie along.

    Returns:
        Float64, from -1 to 1, shape `(...)`.

    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).round(6)
    array([1.])
    """
    return concordance_correlation_elements(y_true, y_pred, axis=axis).values


def _centred(values: Float64Array, axes: int | tuple[int, ...]) -> _Centred:
    summing = accumulation(_length(values, axes)) + 1.0
    mean = values.mean(axis=axes, keepdims=True)
    mean_bound = summing * np.abs(values).mean(axis=axes, keepdims=True)
    centred = values - mean
    bound = mean_bound + np.abs(centred)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    # Keras subtracts the mean of what is left once more.
    carried = 2.0 * (np.abs(centred) * (bound + np.abs(centred))).mean(axis=axes, keepdims=True)
    return _Centred(
        centred, mean, variance, mean_bound, bound, carried + (summing + 2.0) * variance
    )


def _axes(axis: Axis) -> int | tuple[int, ...]:
    return axis if isinstance(axis, int) else tuple(axis)


def _length(values: Float64Array, axes: int | tuple[int, ...]) -> int:
    """Return how many values lie along the axes."""
    among = (axes,) if isinstance(axes, int) else axes
    return int(np.prod([values.shape[axis] for axis in among]))
