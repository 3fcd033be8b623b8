"""Focal cross-entropies: cross-entropies that sure and right elements hardly enter.

Source: Lin, Goyal, Girshick, He and Dollár, *Focal loss for dense object detection*, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lossmon.recompute.confidence import predicted_probabilities
from lossmon.recompute.crossentropy import (
    SMOOTHING,
    Backend,
    binary_from_logits,
    binary_from_probabilities,
    clip_probabilities,
    log_softmax,
)
from lossmon.recompute.layout import Float64Array, held, operands
from lossmon.recompute.rounding import EPSILON, FUNCTION, Elements, Precision, accumulation, mean_of

_SIGMOID = FUNCTION + 2.0
"""Roundings of 1 / (1 + e^-x): the exponential, the sum, the quotient."""


def binary_focal_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    backend: Backend = "tensorflow",
    epsilon: float = EPSILON,
) -> Elements:
    """Binary focal cross-entropies with their bounds."""
    labels, scores, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + 0.5 * label_smoothing
    smoothed = SMOOTHING if label_smoothing else 0.0
    share = predicted_probabilities(scores, from_logits=from_logits, binary=True)
    inexact = _SIGMOID if from_logits else 0.0
    if from_logits and backend == "tensorflow":
        entropy, bound = binary_from_logits(labels, scores, constants, smoothed)
    else:
        entropy, bound = binary_from_probabilities(labels, share, constants, smoothed)
        bound += inexact * _sensitivity(labels, share, constants)
    missing = 1.0 - (labels * share + (1.0 - labels) * (1.0 - share))
    soft = labels * (1.0 - labels) != 0.0
    gathered = inexact * np.abs(share) + np.abs(1.0 - labels) + np.abs(missing)
    gathered += (4.0 + smoothed) * soft
    factor, spread = _power(missing, gathered, held(gamma, y_pred), constants)
    terms = factor * entropy
    roundings = spread * np.abs(entropy) + np.abs(factor) * bound + np.abs(terms)
    if apply_class_balancing:
        weight = labels * alpha + (1.0 - labels) * (1.0 - alpha)
        terms = weight * terms
        roundings = np.abs(weight) * roundings + (5.0 + smoothed) * np.abs(terms)
    return mean_of(terms, roundings, axis)


def _sensitivity(labels: Float64Array, share: Float64Array, constants: Precision) -> Float64Array:
    """What one relative rounding of a probability does to its two logarithms."""
    clipped = clip_probabilities(share, constants)
    return np.abs(labels) + np.abs(1.0 - labels) * clipped / (1.0 - clipped)


def binary_focal_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    backend: Backend = "tensorflow",
) -> Float64Array:
    """Mean over an axis of (1 - q)^γ times the binary cross-entropy, q = the label's share.

    Args:
        y_true: labels in [0, 1], shape `(..., D)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., D)`.
        apply_class_balancing: whether class 1 weighs α and class 0 weighs 1 - α.
        alpha: α, the weight of class 1.
        gamma: γ, how steeply sure and right elements are discounted.
        from_logits: whether a sigmoid is still to be applied.
        label_smoothing: s in y (1 - s) + s / 2, applied to the labels first.
        axis: the axis that the mean is taken over.
        backend: from logits, TensorFlow takes the cross-entropy of the logits, JAX and torch that
            of the sigmoid's clipped probabilities.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> binary_focal_crossentropy([[1, 0]], [[0.5, 0.5]]).round(6)
    array([0.173287])
    """
    return binary_focal_crossentropy_elements(
        y_true,
        y_pred,
        apply_class_balancing=apply_class_balancing,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
        backend=backend,
    ).values


def categorical_focal_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Elements:
    """Categorical focal cross-entropies with their bounds."""
    labels, scores, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + label_smoothing / labels.shape[-1]
    shares, inexact = _shares(scores, from_logits, axis)
    clipped = clip_probabilities(shares, constants)
    entropy = -labels * np.log(clipped)
    missing = 1.0 - clipped
    factor, spread = _power(missing, clipped * inexact + missing, held(gamma, y_pred), constants)
    weight = np.asarray(alpha, dtype=np.float64)
    terms = weight * factor * entropy
    per_term = FUNCTION + 5.0 + accumulation(scores.shape[axis])
    per_term += SMOOTHING if label_smoothing else 0.0
    roundings = np.abs(weight * labels) * factor * inexact + per_term * np.abs(terms)
    roundings += np.abs(weight * entropy) * spread
    return Elements(np.add.reduce(terms, axis=axis), np.add.reduce(roundings, axis=axis))


def _shares(
    scores: Float64Array, from_logits: bool, axis: int
) -> tuple[Float64Array, Float64Array]:
    """Return the scores over their sum, and the bound of the shares' relative errors.

    Keras divides a softmax by its sum once more. Each exponential has the rounding of x - max on
    top of what `log_softmax` says of their sum.
    """
    summing = accumulation(scores.shape[axis]) + 1.0
    if from_logits:
        log_p, common = log_softmax(scores, axis)
        distance = scores.max(axis=axis, keepdims=True) - scores
        return np.exp(log_p), common + distance + FUNCTION + 1.0 + summing
    total = np.add.reduce(scores, axis=axis, keepdims=True)
    magnitude = np.add.reduce(np.abs(scores), axis=axis, keepdims=True)
    bound = np.broadcast_to(summing * magnitude / np.abs(total) + 1.0, scores.shape)
    return scores / total, bound


def _power(
    base: Float64Array, roundings: Float64Array, exponent: float, constants: Precision
) -> tuple[Float64Array, Float64Array]:
    """Return base^exponent and its bound, from both ends of the interval that the base lies in.

    Near 0 a power is no straight line: there its slope times the base's error would be no bound.
    """
    value = np.power(base, exponent)
    reach = constants.roundoff * roundings
    high = np.power(np.abs(base) + reach, exponent)
    low = np.power(np.maximum(np.abs(base) - reach, 0.0), exponent)
    away = np.maximum(np.abs(high - np.abs(value)), np.abs(np.abs(value) - low))
    return value, away / constants.roundoff + FUNCTION * np.abs(value)


def categorical_focal_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float64Array:
    """Focal cross-entropy -Σ α (1 - p)^γ y log p over the class axis.

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7], from logits too: no
    backend goes back to the logits behind a softmax here.

    Args:
        y_true: one-hot or soft labels, shape `(..., C)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., C)`.
        alpha: α, one weight or one for each class.
        gamma: γ, how steeply sure and right elements are discounted.
        from_logits: whether a softmax is still to be applied.
        label_smoothing: s in y (1 - s) + s / C, applied to the labels first.
        axis: the class axis.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> categorical_focal_crossentropy([[0, 1]], [[0.5, 0.5]]).round(6)
    array([0.043322])
    """
    return categorical_focal_crossentropy_elements(
        y_true,
        y_pred,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    ).values
