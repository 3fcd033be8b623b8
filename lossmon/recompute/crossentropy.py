"""Cross-entropies in nats, from probabilities or from logits.

Keras clips probabilities to [1e-7, 1 - 1e-7] in the compute dtype. In float32 the upper end is
1 - 1.19e-7, which is mirrored here: a certain and wrong sample costs 15.94 there, not 16.12.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import Float64Array, operands
from lossmon.recompute.rounding import (
    EPSILON,
    FUNCTION,
    Elements,
    Precision,
    accumulation,
    mean_of,
)

Backend = Literal["tensorflow", "jax", "torch"]

SMOOTHING = 3.0
"""Roundings of a smoothed label: of 1 - s, of its product with y, of the sum."""


def clip_probabilities(probabilities: Float64Array, constants: Precision) -> Float64Array:
    """Clip to [1e-7, 1 - 1e-7] as the compute dtype holds the two ends; NaN stays NaN."""
    return np.minimum(np.maximum(probabilities, constants.epsilon), constants.ceiling)


def binary_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Elements:
    """Binary cross-entropies with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + 0.5 * label_smoothing
    smoothed = SMOOTHING if label_smoothing else 0.0
    of_scores = binary_from_logits if from_logits else binary_from_probabilities
    terms, roundings = of_scores(labels, predictions, constants, smoothed)
    return mean_of(terms, roundings, axis)


def binary_from_probabilities(
    labels: Float64Array, predictions: Float64Array, constants: Precision, smoothed: float
) -> tuple[Float64Array, Float64Array]:
    """-y log p - (1 - y) log(1 - p): rounding 1 - p costs the second logarithm one u, absolute."""
    clipped = clip_probabilities(predictions, constants)
    if_one, if_zero = -np.log(clipped), -np.log1p(-clipped)
    terms = labels * if_one + (1.0 - labels) * if_zero
    weight = np.abs(labels)
    counter_weight = np.abs(1.0 - labels)
    roundings = counter_weight + (FUNCTION + 2.0 + smoothed) * weight * if_one
    roundings += ((FUNCTION + 3.0) * counter_weight + smoothed * weight) * if_zero
    return terms, roundings


def binary_from_logits(
    labels: Float64Array, logits: Float64Array, _constants: Precision, smoothed: float
) -> tuple[Float64Array, Float64Array]:
    """max(x, 0) - x y + log(1 + e^-|x|), where the product is exact for labels 0 and 1."""
    softplus = np.log1p(np.exp(-np.abs(logits)))
    linear = np.maximum(logits, 0.0) - logits * labels
    terms = linear + softplus
    soft = labels * (1.0 - labels) != 0.0
    roundings = (2.0 + smoothed) * soft * np.abs(logits * labels)
    roundings += soft * np.abs(linear) + 2.0 * FUNCTION * softplus + np.abs(terms)
    return terms, roundings


def binary_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float64Array:
    """Mean over an axis of -y log p - (1 - y) log(1 - p).

    Args:
        y_true: labels in [0, 1], shape `(..., D)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., D)`.
        from_logits: whether a sigmoid is still to be applied.
        label_smoothing: s in y (1 - s) + s / 2, applied to the labels first.
        axis: the axis that the mean is taken over.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> binary_crossentropy([[1, 0]], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    return binary_crossentropy_elements(
        y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    ).values


def categorical_crossentropy_elements(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Elements:
    """Categorical cross-entropies with their bounds."""
    labels, predictions, constants = operands(y_true, y_pred, align=False, epsilon=epsilon)
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + label_smoothing / labels.shape[-1]
    if from_logits:
        log_p, common = log_softmax(predictions, axis)
    else:
        log_p, common = log_normalised(predictions, constants, axis)
    terms = -labels * log_p
    weight = np.abs(labels)
    per_log = FUNCTION + 1.0 + accumulation(predictions.shape[axis])
    per_log += SMOOTHING if label_smoothing else 0.0
    roundings = weight * common + per_log * np.abs(terms)
    return Elements(np.add.reduce(terms, axis=axis), np.add.reduce(roundings, axis=axis))


def categorical_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float64Array:
    """Cross-entropy -Σ y log p over the class axis.

    Probabilities are divided by their sum first, then clipped, as on every Keras backend.

    Args:
        y_true: one-hot or soft labels, shape `(..., C)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(..., C)`.
        from_logits: whether a softmax is still to be applied.
        label_smoothing: s in y (1 - s) + s / C, applied to the labels first.
        axis: the class axis.

    Returns:
        Float64, nats, shape of `y_pred` without `axis`.

    >>> categorical_crossentropy([[0, 1]], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    return categorical_crossentropy_elements(
        y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    ).values


def log_softmax(logits: Float64Array, axis: int) -> tuple[Float64Array, Float64Array]:
    """Return log p = x - max - log Σ e^(x - max), and the bound that all classes share."""
    shifted, log_total, common = log_partition(logits, axis)
    return shifted - log_total, common


def log_partition(
    logits: Float64Array, axis: int
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return x - max, and what `log_of_sum` returns of it."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted, *log_of_sum(np.exp(shifted), axis)


def log_of_sum(powers: Float64Array, axis: int) -> tuple[Float64Array, Float64Array]:
    """Return log Σ e^(x - max), and the bound that the logarithms of all shares have.

    The sum is at least 1, its largest term exact. Relative errors of the other terms (the
    exponential, and |x - max| from rounding the difference, at most log C on average) and of the
    summation are absolute errors of its logarithm.
    """
    total = np.add.reduce(powers, axis=axis, keepdims=True)
    log_total = np.log(total)
    classes = powers.shape[axis]
    common = FUNCTION * (1.0 - 1.0 / total + log_total)
    common += accumulation(classes) + 1.0 + math.log(classes)
    return log_total, common


def log_normalised(
    probabilities: Float64Array, constants: Precision, axis: int
) -> tuple[Float64Array, Float64Array]:
    """Return log(clip(p / Σ p)), and the bound that all classes share.

    The quotient's relative error is the logarithm's absolute one. Where scores of both signs
    cancel in the sum, its error grows by Σ |p| / |Σ p|.
    """
    total, bound = normaliser(probabilities, axis)
    return np.log(clip_probabilities(probabilities / total, constants)), bound


def normaliser(probabilities: Float64Array, axis: int) -> tuple[Float64Array, Float64Array]:
    """Return Σ p, and the bound of a quotient by it."""
    total = np.add.reduce(probabilities, axis=axis, keepdims=True)
    magnitude = np.add.reduce(np.abs(probabilities), axis=axis, keepdims=True)
    summing = accumulation(probabilities.shape[axis])
    return total, summing * magnitude / np.abs(total) + 1.0
