"""Losses of overlap: how much of what is predicted and of what is true coincides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, held, operands
from lossmon.recompute.rounding import EPSILON, Elements, sum_of

Axes = int | Sequence[int] | None
"""The axes that an overlap is counted over: one, several, or all (None)."""


def dice_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    axis: Axes = None,
    epsilon: float = EPSILON,
) -> Elements:
    """Dice losses with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    axes = _axes(axis)
    shared = sum_of(labels * predictions, 1.0, axes, constants)
    true, predicted = (sum_of(side, 0.0, axes, constants) for side in (labels, predictions))
    size = true.values + predicted.values + constants.epsilon
    carried = _bound(true) + _bound(predicted) + 2.0 * np.abs(size)
    return _one_minus_ratio(2.0 * shared.values, 2.0 * _bound(shared), size, carried)


def dice(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, axis: Axes = None) -> Float64Array:
    """1 - 2 Σ y p / (Σ y + Σ p + 1e-7).

    Source: Milletari, Navab and Ahmadi, *V-Net*, 2016, without its squares.

    Args:
        y_true: labels in [0, 1].
        y_pred: probabilities, same shape.
        axis: the axes that are summed over; None for all, the batch included.

    Returns:
        Float64, the shape that is left; a scalar where all axes are summed over.

    >>> float(dice([[1.0, 0.0]], [[1.0, 1.0]]).round(6))
    0.333333
    """
    return dice_elements(y_true, y_pred, axis=axis).values


def tversky_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axes = None,
    epsilon: float = EPSILON,
) -> Elements:
    """Tversky losses with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    axes = _axes(axis)
    shared = sum_of(labels * predictions, 1.0, axes, constants)
    missed = sum_of((1.0 - predictions) * labels, 2.0, axes, constants)
    invented = sum_of(predictions * (1.0 - labels), 2.0, axes, constants)
    miss, invention = held(alpha, y_pred), held(beta, y_pred)
    size = shared.values + miss * missed.values + invention * invented.values + constants.epsilon
    carried = _bound(shared) + abs(miss) * _bound(missed) + abs(invention) * _bound(invented)
    weighed = np.abs(miss * missed.values) + np.abs(invention * invented.values)
    carried += 3.0 * (np.abs(shared.values) + weighed) + 2.0 * weighed
    return _one_minus_ratio(shared.values, _bound(shared), size, carried)


def tversky(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axes = None,
) -> Float64Array:
    """1 - Σ y p / (Σ y p + α Σ y (1 - p) + β Σ (1 - y) p + 1e-7).

    Source: Salehi, Erdogmus and Gholipour, *Tversky loss function for image segmentation*, 2017;
    which error α and which β weighs is Keras' choice.

    Args:
        y_true: labels in [0, 1].
        y_pred: probabilities, same shape.
        alpha: α, the weight of what is true and not predicted.
        beta: β, the weight of what is predicted and not true.
        axis: the axes that are summed over; None for all, the batch included.

    Returns:
        Float64, the shape that is left; a scalar where all axes are summed over.

    >>> float(tversky([[1.0, 0.0]], [[1.0, 1.0]], alpha=0.2, beta=1.0).round(6))
    0.5
    """
    return tversky_elements(y_true, y_pred, alpha=alpha, beta=beta, axis=axis).values


def _axes(axis: Axes) -> int | tuple[int, ...] | None:
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def _bound(sums: Elements) -> Float64Array:
    assert sums.roundings is not None
    return sums.roundings


def _one_minus_ratio(
    above: Float64Array, above_error: Float64Array, below: Float64Array, below_error: Float64Array
) -> Elements:
    ratio = above / below
    values = 1.0 - ratio
    relative = below_error / np.abs(below) + 2.0
    roundings = above_error / np.abs(below) + np.abs(ratio) * relative + np.abs(values)
    return Elements(np.asarray(values), np.asarray(roundings))
