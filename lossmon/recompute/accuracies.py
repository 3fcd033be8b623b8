"""Accuracies: how often a decision taken from the predictions equals the label.

Matches are 0 or 1 and exact. Where rounding alone decides, because a score lies within `TIE` of the
threshold or of its rival, the element is reported as a near tie: a fused or recomputed prediction
may fall on the other side, and no verdict should rest on it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lossmon.recompute.crossentropy import Backend
from lossmon.recompute.layout import (
    FEW_CLASSES,
    AnyArray,
    Float64Array,
    align_ranks,
    by_columns,
    floating,
    pick,
)
from lossmon.recompute.rounding import Elements, precision

TIE = 8.0
"""Unit roundoffs between two scores that count as equal: a softmax or sigmoid ends in four
roundings (difference, exponential, sum, quotient), and each of the two scores has its own."""


def accuracy_elements(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Elements:
    """Exact matches; a near tie is an unequal pair within rounding."""
    predictions = np.asarray(y_pred)
    labels, predictions = align_ranks(np.asarray(y_true), predictions)
    labels = labels.astype(predictions.dtype, copy=False)
    matches = labels == predictions
    gap = np.abs(labels.astype(np.float64) - predictions.astype(np.float64))
    reach = _tie(predictions, np.abs(predictions.astype(np.float64)))
    ties = ~matches & np.isfinite(gap) & (gap <= reach)
    return Elements(np.asarray(matches, dtype=np.float64), ties=ties)


def accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Float64Array:
    """1 where prediction and label are exactly equal (`keras.metrics.Accuracy`).

    Args:
        y_true: labels, shape `(...)`, cast to the dtype of the predictions.
        y_pred: predicted labels (not probabilities), shape `(...)`.

    Returns:
        Float64 of 0 and 1, shape `(...)`.

    >>> accuracy([1, 2, 3], [1, 0, 3])
    array([1., 0., 1.])
    """
    return accuracy_elements(y_true, y_pred).values


def binary_accuracy_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, threshold: float = 0.5
) -> Elements:
    """Matches of `ŷ > threshold`; a near tie lies within rounding of the threshold."""
    labels, predictions = align_ranks(np.asarray(y_true), np.asarray(y_pred))
    scores = predictions.astype(np.float64)
    # Keras makes the threshold a float32 tensor.
    cut = float(np.float32(threshold))
    matches = labels == (scores > cut)
    # A logit near 0 is a sum whose terms, of order 1, cancelled: theirs is the scale of its error.
    reach = _tie(predictions, abs(cut) or 1.0)
    ties = ~(np.abs(scores - cut) > reach)
    if ties.shape != matches.shape:
        ties = np.broadcast_to(ties, matches.shape)
    return Elements(np.asarray(matches, dtype=np.float64), ties=ties)


def binary_accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, threshold: float = 0.5
) -> Float64Array:
    """1 where `ŷ > threshold` equals the label.

    Args:
        y_true: labels 0 and 1 (any other value never matches), shape `(...)`.
        y_pred: scores, shape `(...)`; `(N, 1)` broadcasts against `(N, K)`, as in Keras.
        threshold: the cut; a score equal to it counts as 0.

    Returns:
        Float64 of 0 and 1, shape `(...)`.

    >>> binary_accuracy([[1], [0], [1]], [[0.9], [0.2], [0.5]]).ravel()
    array([1., 1., 0.])
    """
    return binary_accuracy_elements(y_true, y_pred, threshold=threshold).values


def categorical_accuracy_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, backend: Backend = "tensorflow"
) -> Elements:
    """Matches of the two strongest classes."""
    labels = np.asarray(np.asarray(y_true).argmax(axis=-1))
    scores = np.asarray(y_pred)
    if labels.ndim == scores.ndim and labels.ndim:
        labels = labels[..., 0]
    return _argmax_matches(labels, scores, backend)


def categorical_accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, backend: Backend = "tensorflow"
) -> Float64Array:
    """1 where the strongest class of the prediction is that of the label, the first of equals.

    Args:
        y_true: one-hot or soft labels, shape `(..., C)`.
        y_pred: probabilities or logits, shape `(..., C)`.
        backend: TensorFlow passes over NaN scores; JAX and torch take NaN for the strongest.

    Returns:
        Float64 of 0 and 1, shape `(...)`.

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.4, 0.6]])
    array([1., 0.])
    """
    return categorical_accuracy_elements(y_true, y_pred, backend=backend).values


def sparse_categorical_accuracy_elements(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, backend: Backend = "tensorflow"
) -> Elements:
    """Matches of the strongest class and the class id."""
    labels, scores = np.asarray(y_true), np.asarray(y_pred)
    if labels.ndim == scores.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    # Keras compares ids in the dtype of the predictions, where large ids may collide.
    elements = _argmax_matches(labels.astype(floating(scores).dtype, copy=False), scores, backend)
    return elements if elements.values.ndim < 2 else _squeeze_last(elements)


def sparse_categorical_accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, backend: Backend = "tensorflow"
) -> Float64Array:
    """1 where the strongest class of the prediction is the class that the label names.

    Args:
        y_true: class ids, shape `(...)` or `(..., 1)`.
        y_pred: probabilities or logits, shape `(..., C)`.
        backend: TensorFlow passes over NaN scores; JAX and torch take NaN for the strongest.

    Returns:
        Float64 of 0 and 1, shape `(...)`.

    >>> sparse_categorical_accuracy([1, 1], [[0.1, 0.9], [0.6, 0.4]])
    array([1., 0.])
    """
    return sparse_categorical_accuracy_elements(y_true, y_pred, backend=backend).values


def _squeeze_last(elements: Elements) -> Elements:
    if elements.values.shape[-1] != 1 or elements.ties is None:
        return elements
    return Elements(elements.values[..., 0], ties=elements.ties[..., 0])


def _argmax_matches(labels: AnyArray, scores: AnyArray, backend: Backend) -> Elements:
    """Compare labels with the strongest class; a near tie has a rival within rounding of it."""
    chosen = np.asarray(scores.argmax(axis=-1))
    strongest = pick(scores, chosen)
    if backend == "tensorflow" and np.isnan(strongest).any():
        scores = np.where(np.isnan(scores), -np.inf, scores)
        chosen = np.asarray(scores.argmax(axis=-1))
        strongest = pick(scores, chosen)
    matches = labels == chosen
    distance = strongest[..., None] - by_columns(scores)
    weaker = distance > _tie(scores, np.abs(strongest))[..., None]
    ties = _has_rivals(weaker)
    if ties.any():
        ties = ties & _is_rival(labels, weaker)
    return Elements(np.asarray(matches, dtype=np.float64), ties=ties)


def _has_rivals(weaker: AnyArray) -> AnyArray:
    """Tell where another class than the strongest is not weaker."""
    classes = weaker.shape[-1]
    if classes <= FEW_CLASSES:
        return np.add.reduce(weaker, axis=-1, dtype=np.intp) < classes - 1
    # As a rule one in a row is not: these few are found sooner than all are added up.
    rows = np.flatnonzero(~weaker) // classes
    counts = np.bincount(rows, minlength=math.prod(weaker.shape[:-1]))
    return counts.reshape(weaker.shape[:-1]) > 1


def _is_rival(labels: AnyArray, weaker: AnyArray) -> AnyArray:
    """Tell where the label is among the classes that tie: elsewhere it is wrong either way."""
    rivals = np.arange(weaker.shape[-1]) == labels[..., None]
    return (rivals & ~weaker).any(axis=-1)


def _tie(scores: AnyArray, magnitude: Any) -> Any:
    return TIE * precision(scores.dtype).roundoff * magnitude
