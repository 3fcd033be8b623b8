"""The models that are trained, on made-up data that they can learn.

keras is imported where a model is built: the process that gives the turns does without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

TOKENS = 128
VOCABULARY = 8192


class Workload(NamedTuple):
    """What every contender trains.

    Attributes:
        label: for people.
        build: a new compiled model with its inputs and labels.
        batch_size: samples in a batch.
        batches: steps in an epoch; the labels fill them exactly. So many that the end of an epoch
            takes about the share of it that it takes in practice.
        epochs: in a turn, the first of which is left out of wall times; so many that what it
            takes to begin again, after others had their turns, is little of the whole.
        turns: of each fit, after an epoch that traces the step.
    """

    label: str
    build: Callable[[], tuple[Any, np.ndarray, np.ndarray]]
    batch_size: int
    batches: int
    epochs: int
    turns: int


def _mlp() -> tuple[Any, np.ndarray, np.ndarray]:
    import keras

    layers = [keras.Input((64,)), keras.layers.Dense(128, activation="relu")]
    model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, *_separable((32 * 100, 64))


def _cnn() -> tuple[Any, np.ndarray, np.ndarray]:
    import keras

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, *_separable((64 * 60, 28, 28, 1))


def _lm() -> tuple[Any, np.ndarray, np.ndarray]:
    import keras

    model = keras.Sequential(
        [
            keras.Input((TOKENS,), dtype="int32"),
            keras.layers.Embedding(VOCABULARY, 64),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(VOCABULARY),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, VOCABULARY, (8 * 4, TOKENS), dtype=np.int32)
    return model, tokens, rng.permutation(VOCABULARY).astype(np.int32)[tokens]


def _separable(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of that shape, and labels that a linear map of them decides."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    flat = x.reshape(len(x), -1)
    return x, np.argmax(flat @ rng.normal(size=(flat.shape[1], 10)), axis=1)


WORKLOADS = {
    "mlp": Workload(
        "MLP 64-128-10, batch 32", _mlp, batch_size=32, batches=100, epochs=20, turns=6
    ),
    "cnn": Workload("CNN 28×28, batch 64", _cnn, batch_size=64, batches=60, epochs=3, turns=4),
    "lm": Workload(
        "language-model head, 8 × 128 × 8,192", _lm, batch_size=8, batches=4, epochs=3, turns=5
    ),
}
