"""Probabilities, the predicted class, how sure of it the model is, and whether it is right."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.layout import (
    AnyArray,
    Float64Array,
    align_ranks,
    by_columns,
    doubled,
    pick,
    slices,
    strongest,
)

# What half precision may add to a probability, and to the sum of a row of them.
_ROUNDED = 1e-2


class Judgement(NamedTuple):
    """One verdict per judged element, all flat, shape `(M,)`.

    Attributes:
        confidence: probability of the predicted class; NaN where a prediction is no probability.
        predicted: class predicted (0 or 1 for a binary output).
        label: class that was right.
        correct: whether they are the same.
    """

    confidence: Float64Array
    predicted: npt.NDArray[np.signedinteger[Any]]
    label: npt.NDArray[np.signedinteger[Any]]
    correct: npt.NDArray[np.bool_]


def predicted_probabilities(
    y_pred: npt.ArrayLike, *, from_logits: bool = False, binary: bool = False
) -> Float64Array:
    """Return the probabilities that predictions stand for.

    Args:
        y_pred: probabilities or logits, shape `(..., C)`, or `(..., D)` for D binary outputs.
        from_logits: whether a softmax (a sigmoid where `binary`) is still to be applied.
        binary: whether each number is the probability of class 1 of its own.

    Returns:
        Float64, same shape.

    >>> predicted_probabilities([[0.0, 0.0]], from_logits=True)
    array([[0.5, 0.5]])
    >>> predicted_probabilities([[0.0]], from_logits=True, binary=True)
    array([[0.5]])
    """
    scores = np.asarray(y_pred).astype(np.float64)
    if not from_logits:
        return scores
    if binary:
        with np.errstate(invalid="ignore"):
            # e^-log(1 + e^-x) neither overflows nor loses small probabilities.
            return np.exp(-np.logaddexp(0.0, -scores))
    with np.errstate(invalid="ignore"):
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def are_probabilities(y_pred: npt.ArrayLike, *, binary: bool = False) -> npt.NDArray[np.bool_]:
    """Whether predictions can be probabilities: from 0 to 1, and of all classes 1 in sum.

    Args:
        y_pred: shape `(..., C)`, or `(..., D)` for D binary outputs.
        binary: whether each number would be the probability of class 1 of its own.

    Returns:
        One answer for each row, shape `(...)`, or for each number, `(..., D)`, where `binary`.

    >>> are_probabilities([[0.2, 0.8], [0.9, 0.8], [-1.0, 2.0]])
    array([ True, False, False])
    >>> are_probabilities([[0.2, 1.7]], binary=True)
    array([[ True, False]])
    """
    scores = np.asarray(y_pred)
    if binary:
        return np.asarray((scores >= -_ROUNDED) & (scores <= 1.0 + _ROUNDED))
    rows = scores.reshape(math.prod(scores.shape[:-1]), scores.shape[-1])
    found = np.empty(len(rows), dtype=np.bool_)
    for part in slices(*rows.shape):
        shares = by_columns(rows[part])
        with np.errstate(invalid="ignore", over="ignore"):
            sums = np.add.reduce(shares, axis=-1, dtype=np.result_type(shares, np.float32))
        # With a sum of 1 none is above 1 where none is below 0.
        found[part] = (np.abs(sums - 1.0) <= _ROUNDED) & (shares.min(axis=-1) >= -_ROUNDED)
    return found.reshape(scores.shape[:-1])


def judge(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    from_logits: bool = False,
    binary: bool = False,
    likelihood: Float64Array | None = None,
) -> Judgement:
    """Judge each prediction: class, confidence, right or wrong.

    Args:
        y_true: class ids `(...)` or `(..., 1)`, or one-hot or soft labels `(..., C)`; labels of
            the shape of `y_pred` where `binary`, above 0.5 for class 1.
        y_pred: probabilities or logits, shape `(..., C)`, or `(..., D)` for D binary outputs.
        from_logits: whether a softmax (a sigmoid where `binary`) is still to be applied.
        binary: whether each number is the probability of class 1 of its own; class 1 is predicted
            above 0.5, and the confidence is max(p, 1 - p).
        likelihood: the negative log-likelihood of each class id, nats, shape `(...)`, where it is
            known: with it the confidence follows from two logits, without another softmax.

    >>> judge([1, 0], [[0.2, 0.8], [0.3, 0.7]]).correct
    array([ True, False])
    >>> judge([[1.0], [0.0]], [[0.2], [0.4]], binary=True).confidence
    array([0.8, 0.6])
    """
    labels, scores = np.asarray(y_true), np.asarray(y_pred)
    if binary:
        labels, scores = align_ranks(labels, scores)
        return _judge_bits(np.broadcast_to(labels, scores.shape), scores, from_logits)
    rows = scores.reshape(math.prod(scores.shape[:-1]), scores.shape[-1])
    known = None if likelihood is None or not from_logits else likelihood.reshape(-1)
    return _judge_classes(class_ids(labels, scores.shape), rows, from_logits, known)


def _judge_bits(labels: AnyArray, scores: AnyArray, from_logits: bool) -> Judgement:
    flat = scores.reshape(-1)
    confidence, predicted = np.empty(flat.size), np.empty(flat.size, dtype=np.bool_)
    for part in slices(flat.size):
        share = predicted_probabilities(flat[part], from_logits=from_logits, binary=True)
        predicted[part] = share > 0.5
        known = are_probabilities(share, binary=True)
        confidence[part] = np.where(known, np.maximum(share, 1.0 - share), np.nan)
    label = labels.reshape(-1) > 0.5
    return Judgement(confidence, predicted.view(np.int8), label.view(np.int8), predicted == label)


def _judge_classes(
    label: npt.NDArray[np.int64],
    scores: AnyArray,
    from_logits: bool,
    likelihood: Float64Array | None,
) -> Judgement:
    """Judge rows of scores; of a softmax only the largest share is needed, 1 / Σ e^(x - max)."""
    predicted = strongest(scores)
    confidence = pick(scores, predicted).astype(np.float64)
    if likelihood is not None and _names_a_class(label, scores) and np.isfinite(likelihood).all():
        # The logarithm of the sum is the likelihood plus the score of the label.
        confidence = np.exp(confidence - pick(scores, label).astype(np.float64) - likelihood)
    elif from_logits:
        for part in slices(*scores.shape):
            powers = doubled(scores[part])
            with np.errstate(invalid="ignore"):
                powers -= confidence[part, None]
                np.exp(powers, out=powers)
            confidence[part] = 1.0 / np.add.reduce(powers, axis=-1)
    else:
        confidence[~are_probabilities(scores)] = np.nan
    return Judgement(confidence, predicted, label, predicted == label)


def _names_a_class(label: npt.NDArray[np.int64], scores: AnyArray) -> bool:
    return bool(((label >= 0) & (label < scores.shape[-1])).all())


def class_ids(labels: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return flat class ids of labels that are ids, or rows of one number per class.

    >>> class_ids(np.array([[0, 1], [1, 0]]), (2, 2)), class_ids(np.array([[1], [0]]), (2, 2))
    (array([1, 0]), array([1, 0]))
    """
    if labels.shape == shape:
        return strongest(labels.reshape(-1, labels.shape[-1]))
    return labels.ravel().astype(np.int64, copy=False)
