"""What lies behind the loss of each batch: confidence, and the loss of right and wrong samples.

Nothing here is compared with Keras: weights are not applied, so that counts are counts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.recompute.confidence import Judgement, judge
from lossmon.recompute.layout import AnyArray, Float64Array, align_stacks

Kind = Literal["binary", "multiclass"]
Counts = npt.NDArray[np.int64]


class Verdicts(NamedTuple):
    """What K batches got right and wrong; arrays of shape `(K,)`.

    Attributes:
        judged: how many elements were predicted.
        correct: how many of them were predicted right.
        confidence: mean probability of the predicted classes; NaN where nothing was judged, or
            where some of the predictions are no probabilities.
        right: how many samples were predicted right, in all their elements.
        right_loss: sum of their losses.
        wrong: how many samples were not.
        wrong_loss: sum of their losses.
        judgement: each judged element of all batches, one batch after another, flat.
    """

    judged: Counts
    correct: Counts
    confidence: Float64Array
    right: Counts
    right_loss: Float64Array
    wrong: Counts
    wrong_loss: Float64Array
    judgement: Judgement


class Explanation(NamedTuple):
    """What lies behind the losses of K batches.

    Attributes:
        loss_squares: sums of the squared sample losses, shape `(K,)`.
        verdicts: None for outputs that do not predict probabilities.
    """

    loss_squares: Float64Array
    verdicts: Verdicts | None


def explain_batches(
    kind: Kind | None,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    elements: Float64Array,
    counted: npt.NDArray[np.bool_] | None = None,
    *,
    from_logits: bool = False,
    of_likelihood: bool = False,
) -> Explanation:
    """Explain the losses of K batches of one shape.

    Args:
        kind: what the predictions stand for; None for anything but probabilities and their logits.
        y_true: labels as `judge` takes them, shape `(K, N, ...)`.
        y_pred: predictions, shape `(K, N, ...)`.
        elements: the recomputed losses before weights and reduction, shape `(K, N, ...)`. A sample
            is what has one loss: several predictions where the loss is a mean over a last axis.
        counted: false for what is masked or weighs nothing, shape of `elements`; None where all
            count.
        from_logits: whether a softmax (a sigmoid where binary) is still to be applied.
        of_likelihood: whether the losses are the negative log-likelihoods of class ids.

    >>> losses = np.array([[0.1, 1.6]])
    >>> found = explain_batches("multiclass", [[1, 0]], [[[0.1, 0.9], [0.2, 0.8]]], losses)
    >>> found.verdicts.correct, found.verdicts.right_loss, found.verdicts.wrong_loss
    (array([1]), array([0.1]), array([1.6]))
    """
    count = len(elements)
    losses = elements.reshape(count, -1)
    kept = None if counted is None or counted.all() else counted.reshape(count, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = _sums(np.square(losses), kept)
    if kind is None or not losses.size:
        return Explanation(squares, None)
    labels, scores = np.asarray(y_true), np.asarray(y_pred)
    if kind == "binary":
        labels, scores = align_stacks(labels, scores)
    known = of_likelihood and elements.shape == scores.shape[:-1]
    judgement = judge(
        labels,
        scores,
        from_logits=from_logits,
        binary=kind == "binary",
        likelihood=elements if known else None,
    )
    labels_each, rest = divmod(judgement.correct.size, losses.size)
    if rest or not labels_each:
        return Explanation(squares, None)
    return Explanation(squares, _verdicts(judgement, losses, kept, labels_each))


def _verdicts(
    judgement: Judgement,
    losses: Float64Array,
    kept: npt.NDArray[np.bool_] | None,
    labels_each: int,
) -> Verdicts:
    """Sum up judgements of K batches of M samples with so many labels each."""
    count, samples = losses.shape
    correct = judgement.correct.reshape(count, samples, labels_each)
    right = np.asarray(correct[..., 0] if labels_each == 1 else correct.all(axis=-1))
    wrong = np.logical_not(right)
    confidence = judgement.confidence.reshape(count, -1)
    judged = np.full(count, samples * labels_each)
    among = None
    if kept is not None:
        right, wrong = np.logical_and(right, kept), np.logical_and(wrong, kept)
        correct = np.logical_and(correct, kept[..., None])
        judged = np.count_nonzero(kept, axis=1) * labels_each
        among = np.repeat(kept, labels_each, axis=1)
        judgement = _only(judgement, among.reshape(-1))
    with np.errstate(invalid="ignore"):
        mean_confidence = _sums(confidence, among) / judged
    return Verdicts(
        judged,
        np.count_nonzero(correct.reshape(count, -1), axis=1),
        mean_confidence,
        np.count_nonzero(right, axis=1),
        _sums(losses, right),
        np.count_nonzero(wrong, axis=1),
        _sums(losses, wrong),
        judgement,
    )


def _only(judgement: Judgement, kept: npt.NDArray[np.bool_]) -> Judgement:
    return Judgement(
        judgement.confidence[kept],
        judgement.predicted[kept],
        judgement.label[kept],
        judgement.correct[kept],
    )


def _sums(rows: AnyArray, counted: npt.NDArray[np.bool_] | None) -> Float64Array:
    """Sum what counts in each row; the rest may be NaN."""
    return np.add.reduce(rows if counted is None else np.where(counted, rows, 0.0), axis=1)
