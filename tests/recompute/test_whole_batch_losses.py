"""Losses that look at more than one row of the last axis: overlaps, pairs, alignments."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import Backend, LossEvaluation, UnknownDefinition, circle, ctc, evaluate_loss
from lossmon.records import LossSpec
from tests.recompute.batches import EAGER, Array, Batch, batches

BACKEND: Any = keras.backend.backend()
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"]
SEEDS = st.integers(0, 2**32 - 1)


def of_keras(loss: Any, batch: Batch) -> float:
    return float(
        loss(
            batch.y_true,
            keras.ops.convert_to_tensor(batch.y_pred),
            sample_weight=batch.sample_weight,
        )
    )


def recomputed(loss: Any, config: dict[str, Any], batch: Batch) -> LossEvaluation:
    return evaluate_loss(
        LossSpec(loss.name, config, loss.reduction),
        batch.y_true,
        batch.y_pred,
        sample_weight=batch.sample_weight,
        backend=BACKEND,
    )


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("Dice", {}),
        ("Dice", {"axis": [0]}),
        ("Tversky", {}),
        ("Tversky", {"alpha": 0.2, "beta": 0.9, "axis": [0, 1]}),
    ],
)
@EAGER
@given(data=st.data())
def test_overlaps(name: str, config: dict[str, Any], data: st.DataObject) -> None:
    drawn = data.draw(batches("binary-probabilities", weighted=False))
    batch = Batch(drawn.y_true, drawn.y_pred)
    loss = getattr(keras.losses, name)(reduction=data.draw(st.sampled_from(REDUCTIONS)), **config)

    expected = of_keras(loss, batch)

    assert recomputed(loss, config, batch).agrees(expected)


def test_a_scalar_loss_is_weighed_sample_by_sample() -> None:
    rng = np.random.default_rng(2)
    batch = Batch(rng.integers(0, 2, (6, 4)), rng.random((6, 4), np.float32), rng.random(6))

    assert recomputed(keras.losses.Dice(), {}, batch).agrees(of_keras(keras.losses.Dice(), batch))


def test_overlaps_of_images() -> None:
    rng = np.random.default_rng(1)
    batch = Batch(rng.integers(0, 2, (4, 96, 96, 1)), rng.random((4, 96, 96, 1), np.float32))
    loss = keras.losses.Dice()

    evaluation = recomputed(loss, {}, batch)

    assert evaluation.agrees(of_keras(loss, batch))
    assert not evaluation.agrees(evaluation.value + 1e-4)


def embeddings(rng: np.random.Generator, spread: float) -> Array:
    rows = rng.normal(size=(24, 5)) * spread + np.repeat(rng.normal(size=(4, 5)), 6, axis=0)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    "config", [{}, {"gamma": 16.0, "margin": 0.25}, {"remove_diagonal": False, "gamma": 4.0}]
)
@EAGER
@given(seed=SEEDS, spread=st.sampled_from([0.02, 0.5, 3.0]), reduction=st.sampled_from(REDUCTIONS))
def test_circle(config: dict[str, Any], seed: int, spread: float, reduction: str) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 6, 24) if seed % 2 else np.arange(24) // 6
    weight = rng.gamma(1.0, size=24) if seed % 3 else None
    batch = Batch(ids, embeddings(rng, spread), weight)
    loss = keras.losses.Circle(reduction=reduction, **config)

    expected = of_keras(loss, batch)
    evaluation = recomputed(loss, config, batch)

    assert evaluation.agrees(expected), (expected, evaluation.value, evaluation.tolerance)
    assert evaluation.tolerance <= 1e-4 * max(evaluation.value, 1.0)


def test_circle_against_its_formula_written_out_by_hand() -> None:
    rng = np.random.default_rng(0)
    rows, ids, gamma, margin = embeddings(rng, 1.0)[:6].astype(float), [0, 1, 1, 0, 2, 1], 3.0, 0.3
    for index, own in enumerate(ids):
        pulls = pushes = 0.0
        for other, label in enumerate(ids):
            near = rows[index] @ rows[other]
            if label == own and other != index:
                pulls += np.exp(-gamma * max(1 + margin - near, 0) * (near - 1 + margin))
            elif label != own:
                pushes += np.exp(gamma * max(near + margin, 0) * (near - margin))
        expected = np.log1p(pulls * pushes)

        assert circle(ids, rows, gamma=gamma, margin=margin)[index] == pytest.approx(expected)


def test_circle_with_references() -> None:
    rng = np.random.default_rng(0)
    rows = embeddings(rng, 1.0)
    ids = rng.integers(0, 3, 24)

    apart = circle(ids[:10], rows[:10], ref_labels=ids, ref_embeddings=rows)

    np.testing.assert_allclose(apart, circle(ids, rows)[:10], rtol=1e-12)


def labels_and_logits(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    rows, width, classes = (int(rng.integers(low, high)) for low, high in ((1, 6), (1, 5), (2, 9)))
    steps = 2 * width + int(rng.integers(0, 40))
    labels = rng.integers(1, classes, (rows, width))
    for row, length in enumerate(rng.integers(0, width + 1, rows)):
        labels[row, length:] = 0
    spread = rng.choice([0.1, 1.0, 8.0])
    return Batch(labels, (spread * rng.normal(size=(rows, steps, classes))).astype(np.float32))


@EAGER
@given(seed=SEEDS, reduction=st.sampled_from(REDUCTIONS))
def test_ctc(seed: int, reduction: str) -> None:
    batch = labels_and_logits(seed)
    loss = keras.losses.CTC(reduction=reduction)

    expected = of_keras(loss, batch)
    evaluation = recomputed(loss, {}, batch)

    assert evaluation.agrees(expected), (expected, evaluation.value, evaluation.tolerance)
    assert not evaluation.agrees(evaluation.value * (1 + 1e-3) + 1e-3)


def test_ctc_counts_every_alignment() -> None:
    rng = np.random.default_rng(4)
    label, logits = (1, 1, 2), rng.normal(size=(6, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(3), repeat=6):
        merged = [key for key, _ in itertools.groupby(path)]
        if tuple(key for key in merged if key) == label:
            total += float(np.prod(shares[np.arange(6), path]))

    assert ctc([label], logits[None])[0] == pytest.approx(-np.log(total), rel=1e-12)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_label_that_needs_more_time_is_not_defined(backend: Backend) -> None:
    spec, logits = LossSpec("ctc"), np.zeros((1, 2, 3), dtype=np.float32)

    with pytest.raises(UnknownDefinition, match="more than 2 steps"):
        evaluate_loss(spec, [[1, 1]], logits, backend=backend)

    assert evaluate_loss(spec, [[1, 1]], logits, backend="torch").agrees(np.inf)


def test_a_label_beyond_the_classes_is_not_defined() -> None:
    with pytest.raises(UnknownDefinition, match="from 0 to 2"):
        evaluate_loss(LossSpec("ctc"), [[1, 3]], np.zeros((1, 4, 3), dtype=np.float32))


def test_a_column_of_ids_is_compared_with_every_row_as_in_keras() -> None:
    rng = np.random.default_rng(8)
    batch = Batch(rng.integers(0, 3, (5, 1)), rng.dirichlet(np.ones(3), 5).astype(np.float32))
    loss = keras.losses.CategoricalGeneralizedCrossEntropy()

    assert recomputed(loss, {"q": 0.5}, batch).agrees(of_keras(loss, batch))


@pytest.mark.parametrize("alpha", [0.25, [0.1, 0.5, 0.9]])
def test_focal_weights_of_classes(alpha: Any) -> None:
    rng = np.random.default_rng(8)
    labels = np.eye(3)[rng.integers(0, 3, 5)]
    batch = Batch(labels, rng.dirichlet(np.ones(3), 5).astype(np.float32))
    loss = keras.losses.CategoricalFocalCrossentropy(alpha=alpha)

    assert recomputed(loss, {"alpha": alpha}, batch).agrees(of_keras(loss, batch))
