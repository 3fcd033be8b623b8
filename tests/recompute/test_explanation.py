from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import (
    Verdicts,
    explain_batches,
    judge,
    sparse_categorical_crossentropy,
)
from tests.recompute.batches import EAGER, Array, sigmoid, softmax

Kind = Literal["binary", "multiclass"]


def drawn(kind: Kind, seed: int, logits: bool) -> tuple[Array, Array, Array, Array]:
    """Labels, predictions, losses and what counts of a few batches."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 6, size=int(rng.integers(2, 4))).tolist())
    classes = int(rng.integers(2, 5)) if kind == "multiclass" else int(rng.integers(1, 4))
    scores = rng.normal(size=(*shape, classes)).astype(np.float32)
    squashed = softmax(scores) if kind == "multiclass" else sigmoid(scores)
    labels: Array = rng.integers(0, classes, shape)
    if kind == "binary":
        labels = rng.integers(0, 2, scores.shape).astype(float)
        labels = labels[..., 0] if classes == 1 and seed % 2 else labels
    elif seed % 2:
        labels = np.eye(classes)[labels]
    return (
        labels,
        scores if logits else squashed,
        rng.gamma(1.0, size=shape),
        rng.random(shape) < 0.7,
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@EAGER
@given(seed=st.integers(0, 2**32 - 1), logits=st.booleans(), partly=st.booleans())
def test_each_batch_is_explained_sample_by_sample(
    kind: Kind, seed: int, logits: bool, partly: bool
) -> None:
    y_true, y_pred, losses, kept = drawn(kind, seed, logits)
    counted = kept if partly else np.ones_like(kept)

    found = explain_batches(
        kind, y_true, y_pred, losses, kept if partly else None, from_logits=logits
    )

    assert found.verdicts is not None
    for k in range(len(losses)):
        alone = judge(y_true[k], y_pred[k], from_logits=logits, binary=kind == "binary")
        samples = zip(
            losses[k].ravel(),
            counted[k].ravel(),
            alone.correct.reshape(losses[k].size, -1),
            alone.confidence.reshape(losses[k].size, -1),
            strict=True,
        )
        expected = by_hand(list(samples))
        values = [found.loss_squares[k], *(side[k] for side in found.verdicts[:7])]
        np.testing.assert_allclose(values, expected, rtol=1e-13)
    judged = found.verdicts.judgement
    assert len(judged.correct) == found.verdicts.judged.sum()
    assert np.count_nonzero(judged.correct) == found.verdicts.correct.sum()
    np.testing.assert_array_equal(judged.correct, judged.label == judged.predicted)


def with_and_without_likelihood(ids: Array, scores: Array) -> tuple[Verdicts, Verdicts]:
    with np.errstate(invalid="ignore"):
        losses = sparse_categorical_crossentropy(ids, scores, from_logits=True)
    known, plain = (
        explain_batches("multiclass", ids, scores, losses, from_logits=True, of_likelihood=of)
        for of in (True, False)
    )
    assert known.verdicts is not None
    assert plain.verdicts is not None
    return known.verdicts, plain.verdicts


@pytest.mark.parametrize("shape", [(2, 5, 4), (2, 3, 5, 700)])
def test_the_likelihood_says_how_sure_a_model_is(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    scores = (rng.normal(size=shape) * 20).astype(np.float32)
    known, plain = with_and_without_likelihood(rng.integers(0, shape[-1], shape[:-1]), scores)
    for one, other in zip(known[:7], plain[:7], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(known.judgement.confidence, plain.judgement.confidence, rtol=1e-12)


@pytest.mark.parametrize(("score", "label"), [(np.inf, 0), (-np.inf, 1), (1.0, 7), (1.0, -1)])
def test_a_likelihood_that_says_nothing_is_not_asked(score: float, label: int) -> None:
    scores = np.array([[[1.0, score, 0.5], [0.1, 0.2, 3.0]]])
    known, plain = with_and_without_likelihood(np.array([[label, 2]]), scores)
    np.testing.assert_array_equal(known.judgement.confidence, plain.judgement.confidence)


def by_hand(samples: list[tuple[Any, ...]]) -> list[float]:
    kept = [(loss, correct, sure) for loss, counts, correct, sure in samples if counts]
    right = [loss for loss, correct, _ in kept if all(correct)]
    wrong = [loss for loss, correct, _ in kept if not all(correct)]
    confidence = [value for _, _, sure in kept for value in sure]
    return [
        sum(loss * loss for loss, _, _ in kept),
        len(confidence),
        sum(value for _, correct, _ in kept for value in correct),
        float(np.mean(confidence)) if confidence else np.nan,
        len(right),
        sum(right),
        len(wrong),
        sum(wrong),
    ]


def test_outputs_that_are_no_probabilities_have_squares_only() -> None:
    found = explain_batches(None, np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), 2.0))

    assert found.loss_squares.tolist() == [12.0, 12.0]
    assert found.verdicts is None


def test_a_loss_over_all_samples_is_not_split_by_sample() -> None:
    scores = np.full((2, 3, 1), 0.9)

    assert (
        explain_batches("binary", np.ones((2, 2, 1)), scores[:, :2], np.ones((2, 4))).verdicts
        is None
    )


def test_what_does_not_count_may_be_nan() -> None:
    losses, kept = np.array([[0.5, np.nan]]), np.array([[True, False]])
    scores = np.array([[[0.1, 0.9], [np.nan, np.nan]]])

    found = explain_batches("multiclass", [[1, 0]], scores, losses, kept)

    assert found.verdicts is not None
    assert found.loss_squares.tolist() == [0.25]
    assert found.verdicts.confidence.tolist() == [0.9]
    assert found.verdicts.right_loss.tolist() == [0.5]
    assert found.verdicts.wrong_loss.tolist() == [0.0]
