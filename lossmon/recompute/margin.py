"""Maximum-margin losses. Labels are -1 and 1; where all are 0 or 1 they are mapped to -1 and 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, operands
from lossmon.recompute.rounding import Elements, accumulation, mean_of


def _margin_violations(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike
) -> tuple[Float64Array, Float64Array]:
    """Return max(1 - y ŷ, 0), shape `(..., D)`, and its bound.

    A product with -1, 0 or 1 is exact; any other label costs the product one u. Rounding does not
    bring a product of 1 or more below 1: what is not violated is exactly 0.
    """
    labels, predictions, _ = operands(y_true, y_pred, align=False)
    if ((labels == 0.0) | (labels == 1.0)).all():
        labels = 2.0 * labels - 1.0
    products = labels * predictions
    margins = 1.0 - products
    violations = np.maximum(margins, 0.0)
    rounded = (labels != np.rint(np.clip(labels, -1.0, 1.0))) & (margins > 0.0)
    return violations, violations + np.where(rounded, np.abs(products), 0.0)


def hinge_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Hinge losses with their bounds."""
    violations, roundings = _margin_violations(y_true, y_pred)
    return mean_of(violations, roundings)


def hinge(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of max(1 - y ŷ, 0).

    Args:
        y_true: labels -1 and 1 (or all 0 and 1), shape `(..., D)`.
        y_pred: scores, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`.

    >>> hinge([[0, 1]], [[0.5, 0.5]])
    array([1.])
    """
    return hinge_elements(y_true, y_pred).values


def squared_hinge_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Squared hinge losses with their bounds: the square doubles what the margin gathered."""
    violations, roundings = _margin_violations(y_true, y_pred)
    return mean_of(violations * violations, violations * (2.0 * roundings + violations))


def squared_hinge(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Mean over the last axis of max(1 - y ŷ, 0)².

    Args:
        y_true: labels -1 and 1 (or all 0 and 1), shape `(..., D)`.
        y_pred: scores, shape `(..., D)`.

    Returns:
        Float64, shape `(...)`.

    >>> squared_hinge([[0, 1]], [[0.5, 0.5]])
    array([1.25])
    """
    return squared_hinge_elements(y_true, y_pred).values


def categorical_hinge_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Categorical hinge losses with their bounds: 0 where no rounding reaches above 0."""
    labels, predictions, constants = operands(y_true, y_pred, align=False)
    products = labels * predictions
    positive = np.add.reduce(products, axis=-1)
    negative = np.max((1.0 - labels) * predictions, axis=-1)
    margins = negative - positive + 1.0
    values = np.maximum(margins, 0.0)
    summed = np.add.reduce(np.abs(products), axis=-1)
    roundings = summed * (accumulation(products.shape[-1]) + 1.0) + 2.0 * np.abs(negative)
    roundings += np.abs(negative - positive) + values
    held = np.isneginf(margins) | (margins + constants.roundoff * roundings <= 0.0)
    return Elements(values, np.where(held, 0.0, roundings))


def categorical_hinge(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """Hinge loss between the right class and the strongest wrong one.

    max(max((1 - y) ŷ) - Σ y ŷ + 1, 0) over the last axis.

    Args:
        y_true: one-hot labels, shape `(..., C)`.
        y_pred: scores, shape `(..., C)`.

    Returns:
        Float64, shape `(...)`.

    >>> categorical_hinge([[0, 1]], [[0.25, 0.75]])
    array([0.5])
    """
    return categorical_hinge_elements(y_true, y_pred).values
