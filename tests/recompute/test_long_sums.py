"""Sums so long that float32 itself goes wrong, in the orders that TensorFlow and XLA add in."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lossmon.recompute import evaluate_loss, evaluate_losses
from lossmon.records import LossSpec
from tests.recompute.batches import Array

N = 300_000
RNG = np.random.default_rng(2)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "predictions",
    [
        pytest.param(np.full((N, 1), 0.3, dtype=np.float32), id="untrained"),
        pytest.param(RNG.uniform(0.01, 0.99, (N, 1)).astype(np.float32), id="trained"),
    ],
)
def test_the_mean_of_a_long_batch(predictions: Array, jit_compile: bool) -> None:
    labels = np.ones((N, 1), dtype=np.float32)
    loss = keras.losses.BinaryCrossentropy()
    compiled = tf.function(loss, jit_compile=jit_compile)

    expected = float(compiled(tf.constant(labels), tf.constant(predictions)))

    assert evaluate_loss(LossSpec("binary_crossentropy"), labels, predictions).agrees(expected)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_small_terms_that_one_sum_over_classes_and_samples_loses(jit_compile: bool) -> None:
    """XLA adds the classes of all pixels in order: what labels rule out is too small to count."""
    labels = np.eye(10, dtype=np.float32)[RNG.integers(0, 10, (2, 20, 3, 2))]
    scores = np.exp(RNG.normal(size=labels.shape))
    predictions = (scores / scores.sum(axis=-1, keepdims=True)).astype(np.float32)
    compiled = tf.function(keras.losses.KLDivergence(), jit_compile=jit_compile)

    expected = [
        float(compiled(tf.constant(true), tf.constant(pred)))
        for true, pred in zip(labels, predictions, strict=True)
    ]

    losses = evaluate_losses(LossSpec("kl_divergence"), labels, predictions)
    assert losses.agrees(expected).all()
    assert (losses.tolerances < 3e-5).all()
    alone = evaluate_loss(LossSpec("kl_divergence"), labels[1], predictions[1])
    assert alone.tolerance == losses.tolerances[1]


SMOOTHED = {"label_smoothing": 0.1}
CATEGORICAL = LossSpec("categorical_crossentropy", SMOOTHED)
IMAGES, SEQUENCES = (64, 16, 16, 10), (512, 64, 32)


@pytest.mark.parametrize(
    ("loss", "spec", "shape", "spread"),
    [
        ("CategoricalCrossentropy", CATEGORICAL, IMAGES, 0.0),
        ("CategoricalCrossentropy", CATEGORICAL, IMAGES, 0.01),
        ("CategoricalCrossentropy", CATEGORICAL, SEQUENCES, 0.0),
        (
            "CategoricalFocalCrossentropy",
            LossSpec("categorical_focal_crossentropy", SMOOTHED),
            IMAGES,
            0.0,
        ),
        (
            "BinaryFocalCrossentropy",
            LossSpec("binary_focal_crossentropy", SMOOTHED),
            IMAGES,
            0.0,
        ),
        ("MeanSquaredError", LossSpec("mean_squared_error"), IMAGES, 0.0),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_like_terms_of_classes_steps_and_pixels(
    loss: str, spec: LossSpec, shape: tuple[int, ...], spread: float, weighted: bool
) -> None:
    """XLA adds what an untrained model makes of all pixels and classes in one sum, and in tiles."""
    labels, predictions = _drawn(shape, spread)
    weights = RNG.uniform(0.5, 1.5, (shape[0], *[1] * (len(shape) - 2))).astype(np.float32)
    weights = weights if weighted else None
    compiled = tf.function(getattr(keras.losses, loss)(**spec.config), jit_compile=True)

    expected = float(compiled(tf.constant(labels), tf.constant(predictions), weights))

    found = evaluate_loss(spec, labels, predictions, sample_weight=weights)
    assert found.agrees(expected)


@pytest.mark.parametrize("seed", [5, 8, 30])
def test_one_weight_for_all_pixels_of_a_sample(seed: int) -> None:
    """As many like losses as a sample has pixels, and as many of these groups as samples."""
    ids, predictions = np.zeros((64, 16, 16)), np.full(IMAGES, 0.1, dtype=np.float32)
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, (64, 1, 1)).astype(np.float32)
    compiled = tf.function(keras.losses.SparseCategoricalCrossentropy(), jit_compile=True)

    expected = float(compiled(tf.constant(ids), tf.constant(predictions), weights))

    spec = LossSpec("sparse_categorical_crossentropy")
    assert evaluate_loss(spec, ids, predictions, sample_weight=weights).agrees(expected)


@pytest.mark.parametrize("config", [{}, SMOOTHED])
def test_of_losses_that_differ_no_more_is_allowed(config: dict[str, Any]) -> None:
    labels, predictions = _drawn(IMAGES, 1.0)
    found = evaluate_loss(LossSpec("categorical_crossentropy", config), labels, predictions)
    assert found.tolerance / found.value < 3e-5


def test_of_one_hot_labels_there_is_one_term_a_pixel() -> None:
    labels, predictions = _drawn(IMAGES, 0.0)
    found = evaluate_loss(LossSpec("categorical_crossentropy"), labels, predictions)
    smoothed = evaluate_loss(CATEGORICAL, labels, predictions)
    assert smoothed.tolerance > 9.0 * found.tolerance


def _drawn(shape: tuple[int, ...], spread: float) -> tuple[Array, Array]:
    """Draw one-hot labels, and the predictions of scores of a standard deviation."""
    labels = np.eye(shape[-1], dtype=np.float32)[RNG.integers(0, shape[-1], shape[:-1])]
    powers = np.exp(spread * RNG.normal(size=shape))
    return labels, (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
