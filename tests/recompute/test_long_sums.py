"""Sums so long that float32 itself goes wrong, in the orders that TensorFlow and XLA add in."""

from __future__ import annotations

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
