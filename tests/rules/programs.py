"""Small real Keras programs, put together from parts that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, losses, metrics

N = 48


@dataclass(frozen=True)
class Program:
    """A head, what it is trained with, and labels that fit."""

    units: int
    activation: str | None
    loss: Any
    metrics: Any
    labels: np.ndarray
    sample_weight: np.ndarray | None = None

    @property
    def inner(self) -> tuple[int, ...]:
        """Axes between batch and units that the labels call for."""
        labels = self.labels
        rowwise = labels.ndim > 1 and labels.shape[-1] == self.units
        return labels.shape[1:-1] if rowwise else labels.shape[1:]

    def build(self, *, hidden: bool = False, regularised: bool = False) -> Any:
        """The compiled model; `hidden` applies the activation where no layer shows it."""
        given = keras.Input((*self.inner, 5))
        h = layers.Dense(6, activation="relu", kernel_regularizer="l2" if regularised else None)(
            given
        )
        if hidden:
            function = keras.activations.get(self.activation)
            out = Hidden(function)(layers.Dense(self.units)(h))
        else:
            out = layers.Dense(self.units, activation=self.activation)(h)
        model = keras.Model(given, out)
        model.compile(loss=self.loss, metrics=self.metrics)
        return model

    def inputs(self) -> np.ndarray:
        """Inputs of the shape that the model takes."""
        shape = (len(self.labels), *self.inner, 5)
        return np.random.default_rng(1).normal(size=shape).astype("float32")


class Hidden(layers.Layer):
    """An activation inside a layer of the user's own."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)


def ids(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, classes, (N, *inner))
    values.reshape(-1)[:classes] = np.arange(classes)
    return values


def one_hot(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    return np.eye(classes)[ids(classes, *inner, seed=seed)]


def soft(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    mix = np.random.default_rng(seed).beta(0.4, 0.4, (N, *inner, 1))
    return mix * one_hot(classes, *inner) + (1 - mix) * one_hot(classes, *inner, seed=seed + 1)


def multi_hot(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    rows = (np.random.default_rng(seed).random((N, *inner, classes)) < 0.4).astype("float32")
    rows.reshape(-1, classes)[0] = 0
    rows.reshape(-1, classes)[1] = 1
    return rows


def reals(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (N, *shape))


SPARSE_LOGITS = losses.SparseCategoricalCrossentropy(from_logits=True)
BINARY_LOGITS = losses.BinaryCrossentropy(from_logits=True)
ROWS_LOGITS = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)


def cut_at_zero() -> metrics.Metric:
    return metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
