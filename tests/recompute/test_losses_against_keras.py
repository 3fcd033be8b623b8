from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import evaluate_loss
from lossmon.records import LossSpec
from tests.recompute.batches import EAGER, Batch, batches

LOSSES: list[tuple[str, str, dict[str, Any]]] = [
    ("MeanSquaredError", "real", {}),
    ("MeanAbsoluteError", "real", {}),
    ("MeanAbsolutePercentageError", "real", {}),
    ("MeanSquaredLogarithmicError", "positive", {}),
    ("MeanSquaredLogarithmicError", "real", {}),
    ("Huber", "real", {}),
    ("Huber", "real", {"delta": 0.3}),
    ("LogCosh", "real", {}),
    ("KLDivergence", "classes-probabilities", {}),
    ("Poisson", "positive", {}),
    ("CosineSimilarity", "real", {}),
    ("Hinge", "margin", {}),
    ("Hinge", "binary-logits", {}),
    ("Hinge", "real", {}),
    ("SquaredHinge", "margin", {}),
    ("SquaredHinge", "binary-logits", {}),
    ("CategoricalHinge", "classes-logits", {}),
    ("BinaryCrossentropy", "binary-probabilities", {}),
    ("BinaryCrossentropy", "binary-probabilities", {"label_smoothing": 0.1}),
    ("BinaryCrossentropy", "binary-logits", {"from_logits": True}),
    ("BinaryCrossentropy", "binary-logits", {"from_logits": True, "label_smoothing": 0.2}),
    ("BinaryCrossentropy", "binary-logits", {}),
    ("CategoricalCrossentropy", "classes-probabilities", {}),
    ("CategoricalCrossentropy", "classes-probabilities", {"label_smoothing": 0.1}),
    ("CategoricalCrossentropy", "classes-logits", {"from_logits": True}),
    ("CategoricalCrossentropy", "classes-logits", {"from_logits": True, "label_smoothing": 0.1}),
    ("SparseCategoricalCrossentropy", "ids-probabilities", {}),
    ("SparseCategoricalCrossentropy", "ids-probabilities", {"ignore_class": 0}),
    ("SparseCategoricalCrossentropy", "ids-logits", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", "ids-logits", {"from_logits": True, "ignore_class": 1}),
    ("SparseCategoricalCrossentropy", "ids-logits", {}),
    ("BinaryFocalCrossentropy", "binary-probabilities", {}),
    ("BinaryFocalCrossentropy", "binary-logits", {"from_logits": True, "gamma": 1.5}),
    (
        "BinaryFocalCrossentropy",
        "binary-probabilities",
        {"apply_class_balancing": True, "alpha": 0.3, "label_smoothing": 0.1, "gamma": 0.7},
    ),
    ("CategoricalFocalCrossentropy", "classes-probabilities", {"label_smoothing": 0.1}),
    ("CategoricalFocalCrossentropy", "classes-probabilities", {"gamma": 0.7, "alpha": 0.6}),
    ("CategoricalFocalCrossentropy", "classes-logits", {"from_logits": True}),
    ("CategoricalGeneralizedCrossEntropy", "ids-probabilities", {}),
    ("CategoricalGeneralizedCrossEntropy", "ids-probabilities", {"q": 0.7}),
    ("Dice", "binary-probabilities", {"axis": -1}),
    ("Tversky", "classes-probabilities", {"axis": -1, "alpha": 0.3, "beta": 0.8}),
]
BACKEND: Any = keras.backend.backend()
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"]


def keras_loss(name: str, config: dict[str, Any], reduction: str, batch: Batch) -> float:
    """What Keras itself makes of a batch."""
    predictions: Any = keras.ops.convert_to_tensor(batch.y_pred)
    if batch.mask is not None:
        predictions._keras_mask = keras.ops.convert_to_tensor(batch.mask)
    loss = getattr(keras.losses, name)(reduction=reduction, **config)
    return float(loss(batch.y_true, predictions, sample_weight=batch.sample_weight))


def spec_of(name: str, config: dict[str, Any], reduction: str = "sum_over_batch_size") -> LossSpec:
    loss = getattr(keras.losses, name)(**config)
    return LossSpec(loss.name, config, reduction)


@pytest.mark.parametrize(("name", "kind", "config"), LOSSES)
@EAGER
@given(data=st.data())
def test_every_loss_is_keras_own_within_rounding(
    name: str, kind: str, config: dict[str, Any], data: st.DataObject
) -> None:
    batch = data.draw(batches(kind))
    reduction = data.draw(st.sampled_from(REDUCTIONS))

    expected = keras_loss(name, config, reduction, batch)
    evaluation = evaluate_loss(
        spec_of(name, config, reduction),
        batch.y_true,
        batch.y_pred,
        sample_weight=batch.sample_weight,
        mask=batch.mask,
        backend=BACKEND,
    )

    assert evaluation.agrees(expected), (expected, evaluation.value, evaluation.tolerance)


@pytest.mark.parametrize(("name", "kind", "config"), LOSSES)
def test_a_relative_error_of_one_in_a_hundred_thousand_is_caught(
    name: str, kind: str, config: dict[str, Any]
) -> None:
    rng = np.random.default_rng(7)
    scores = rng.normal(size=(32, 10)).astype(np.float32)
    ids = rng.integers(0, 10, size=32)
    labels, form = kind.split("-") if "-" in kind else (kind, "")
    y_true = {
        "ids": ids,
        "classes": np.eye(10)[ids],
        "binary": (scores > rng.normal(size=scores.shape)).astype(float),
        "margin": np.sign(rng.normal(size=scores.shape)),
    }.get(labels, 2.0 + rng.normal(size=scores.shape))
    powers = np.exp(scores)
    y_pred = powers / powers.sum(axis=-1, keepdims=True) if form == "probabilities" else scores
    if kind == "positive":
        y_true, y_pred = np.abs(y_true), powers

    evaluation = evaluate_loss(spec_of(name, config), y_true, y_pred)

    assert evaluation.agrees(evaluation.value)
    assert not evaluation.agrees(evaluation.value * (1 + 1e-5))


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"),
    [((6,), (6, 1)), ((6, 1), (6,)), ((6,), (6,)), ((6, 4, 1), (6, 4)), ((6, 4), (6, 1))],
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "Hinge"])
def test_ranks_and_broadcasts_are_those_of_keras(
    name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(3)
    batch = Batch(rng.normal(size=true_shape), rng.normal(size=pred_shape).astype(np.float32))

    expected = keras_loss(name, {}, "sum_over_batch_size", batch)

    assert evaluate_loss(spec_of(name, {}), batch.y_true, batch.y_pred, backend=BACKEND).agrees(
        expected
    )


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "BinaryCrossentropy"])
def test_axis(name: str, axis: int) -> None:
    rng = np.random.default_rng(5)
    labels = rng.dirichlet(np.ones(4), size=(3, 4)).astype(np.float32)
    batch = Batch(labels, rng.dirichlet(np.ones(4), size=(3, 4)).astype(np.float32))
    config = {"axis": axis}

    expected = keras_loss(name, config, "sum", batch)

    assert evaluate_loss(spec_of(name, config, "sum"), labels, batch.y_pred).agrees(expected)


def test_targets_lose_their_tail_in_float32_as_in_keras() -> None:
    targets = np.array([[16_777_217.0], [33_554_435.0]])
    predictions = np.array([[16_777_216.0], [33_554_430.0]], dtype=np.float32)
    expected = keras_loss("MeanSquaredError", {}, "sum", Batch(targets, predictions))

    evaluation = evaluate_loss(LossSpec("mse", reduction="sum"), targets, predictions)

    assert evaluation.value == expected == 36.0


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred"),
    [
        ("MeanSquaredError", [[0.0]], [[np.nan]]),
        ("MeanSquaredError", [[0.0]], [[np.inf]]),
        ("MeanSquaredError", [[0.0], [0.0]], [[3e19], [0.0]]),
        ("BinaryCrossentropy", [[0.0]], [[np.nan]]),
        ("CategoricalCrossentropy", [[0.0, 1.0]], [[0.0, 0.0]]),
        ("CategoricalCrossentropy", [[0.0, 1.0]], [[np.nan, 0.5]]),
        ("SparseCategoricalCrossentropy", [1], [[np.nan, 0.5]]),
        ("SparseCategoricalCrossentropy", [1], [[-np.inf, np.inf]]),
    ],
)
def test_non_finite_values_agree(name: str, y_true: Any, y_pred: Any) -> None:
    batch = Batch(np.array(y_true), np.array(y_pred, dtype=np.float32))

    expected = keras_loss(name, {}, "sum_over_batch_size", batch)

    assert evaluate_loss(spec_of(name, {}), batch.y_true, batch.y_pred, backend=BACKEND).agrees(
        expected
    )


def test_masked_logits_cost_what_keras_says() -> None:
    logits = np.array([[-np.inf, 1.0, 2.0]], dtype=np.float32)
    config = {"from_logits": True}
    batch = Batch(np.array([1]), logits)

    expected = keras_loss("SparseCategoricalCrossentropy", config, "sum", batch)
    evaluation = evaluate_loss(
        spec_of("SparseCategoricalCrossentropy", config), batch.y_true, logits, backend=BACKEND
    )

    assert np.isfinite(expected) == (BACKEND != "jax")
    assert evaluation.agrees(expected)
