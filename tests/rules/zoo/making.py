"""What the programs of the zoo are made of: a model, how it is compiled, and its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

import lossmon
from lossmon.records import Finding

N = 48
SPARSE = "sparse_categorical_crossentropy"
ROWS = "categorical_crossentropy"
BINARY = "binary_crossentropy"
ACC = ["accuracy"]
D = layers.Dense


@dataclass(frozen=True)
class Made:
    """A program: what `compile` and `fit` are given."""

    model: Any
    loss: Any = None
    metrics: Any = None
    y: Any = None
    x: Any = None
    weight: Any = None
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def compiled(self) -> tuple[Any, Any, Any, Any]:
        """The compiled model with its data: model, x, y, sample_weight."""
        given = {"loss": self.loss, "metrics": self.metrics, **self.more}
        self.model.compile("sgd", **{k: v for k, v in given.items() if v is not None})
        x = inputs_for(self.model) if self.x is None else self.x
        return self.model, x, self.y, self.weight

    def findings(self) -> list[Finding]:
        """What `lossmon.check` finds, advice left out."""
        return [f for f in lossmon.check(*self.compiled()) if f.severity != "info"]


Programs = dict[str, Callable[[], Made]]
# With the names that must be told, and no others.
Faulty = dict[str, tuple[set[str], Callable[[], Made]]]


def inputs_for(model: Any) -> Any:
    """Random inputs of the shapes that a functional model takes."""
    rng = np.random.default_rng(1)
    arrays = [
        rng.integers(0, 20, (N, *t.shape[1:]))
        if "int" in t.dtype
        else rng.uniform(-2, 2, (N, *t.shape[1:])).astype("float32")
        for t in model.inputs
    ]
    return arrays[0] if len(arrays) == 1 else arrays


def net(*stack: Any, given: tuple[int, ...] = (5,), dtype: str = "float32") -> Any:
    """A functional chain of layers or functions on one input."""
    inputs = keras.Input(given, dtype=dtype)
    h: Any = inputs
    for step in stack:
        h = step(h)
    return keras.Model(inputs, h)


def dense(units: int, activation: Any = None, **more: Any) -> Any:
    """A classifier or regressor on five features."""
    return net(layers.Dense(6, "relu"), layers.Dense(units, activation, **more))


def conv(units: int, activation: Any = None) -> Any:
    """An image to image model, 6 by 6."""
    return net(
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Conv2D(units, 1, activation=activation),
        given=(6, 6, 3),
    )


def tokens(units: int, activation: Any = None, *, masked: bool = False) -> Any:
    """A tagger of seven tokens."""
    return net(
        layers.Embedding(20, 4, mask_zero=masked),
        layers.Dense(units, activation),
        given=(7,),
        dtype="int32",
    )


def over(function: Callable[..., Any]) -> Any:
    """A layer of the user's own that applies a function."""
    return Own(function)


class Own(layers.Layer):
    """A layer that hides a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)


class AddLoss(layers.Layer):
    """A layer that adds a penalty on what passes through it."""

    def call(self, inputs: Any) -> Any:
        ops: Any = keras.ops
        self.add_loss(1e-3 * ops.mean(ops.square(inputs)))
        return inputs


def ids(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, classes, (N, *inner))
    flat = values.reshape(-1)
    flat[:classes] = np.arange(min(classes, flat.size))
    return values


def rows(classes: int, *inner: int, seed: int = 0) -> np.ndarray:
    return np.eye(classes)[ids(classes, *inner, seed=seed)]


def mixed(classes: int, *inner: int) -> np.ndarray:
    """Rows of two classes each, as mixup makes them."""
    share = np.random.default_rng(0).beta(0.4, 0.4, (N, *inner, 1))
    return share * rows(classes, *inner) + (1 - share) * rows(classes, *inner, seed=1)


def labels(classes: int, *inner: int) -> np.ndarray:
    """Multi-hot rows; some empty, some full."""
    hot = (np.random.default_rng(0).random((N, *inner, classes)) < 0.4).astype("float32")
    hot.reshape(-1, classes)[0] = 0
    hot.reshape(-1, classes)[1] = 1
    return hot


def reals(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (N, *shape))
