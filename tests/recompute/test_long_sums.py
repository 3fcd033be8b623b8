"""Sums so long that float32 itself goes wrong, in the orders that TensorFlow and XLA add in."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from lossmon.recompute import evaluate_loss
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
