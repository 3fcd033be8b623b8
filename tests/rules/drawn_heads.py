"""Heads drawn at random: what a model ends in, what it is trained with, and labels that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from keras import losses, metrics

N = 40
Inner = tuple[int, ...]


@dataclass(frozen=True)
class Head:
    """One output of a program.

    Attributes:
        kind: the recipe that it was drawn from.
        units: entries of its last axis.
        activation: what is applied behind its layer.
        loss, metrics: what it is compiled with.
        labels: what it is trained on.
    """

    kind: str
    units: int
    activation: str | None
    loss: Any
    metrics: tuple[Any, ...]
    labels: Any = field(repr=False)

    def but(self, **changes: Any) -> Head:
        """The same with something changed."""
        return replace(self, **changes)


class Draws:
    """The random choices of one program.

    Args:
        draw: Hypothesis' own.
        inner: the axes between batch and units.
    """

    def __init__(self, draw: Callable[[Any], Any], inner: Inner) -> None:
        self.draw = draw
        self.inner = inner
        self.rng = np.random.default_rng(draw(st.integers(0, 2**16)))

    def one(self, choices: Sequence[Any]) -> Any:
        """Draw one of several; what can be called is called, for Keras objects are used once."""
        chosen = self.draw(st.sampled_from(range(len(choices))))
        return _made(choices[chosen])

    def some(self, choices: Sequence[Any]) -> tuple[Any, ...]:
        """Draw up to two of several."""
        places = st.lists(st.sampled_from(range(len(choices))), max_size=2, unique=True)
        return tuple(_made(choices[place]) for place in self.draw(places))

    def size(self, *more: int) -> tuple[int, ...]:
        """The shape of an array with a row for each place that is predicted."""
        return (N, *self.inner, *more)

    def ids(self, classes: int) -> Any:
        """Class ids, each class among them."""
        values = self.rng.integers(0, classes, self.size())
        values.reshape(-1)[:classes] = np.arange(classes)
        return values

    def rows(self, classes: int) -> Any:
        """One-hot rows."""
        return np.eye(classes, dtype="float32")[self.ids(classes)]

    def several(self, classes: int) -> Any:
        """Rows of any number of ones, none and all among them."""
        rows = (self.rng.random(self.size(classes)) < 0.4).astype("float32")
        rows.reshape(-1, classes)[:2] = [[0.0], [1.0]]
        return rows

    def reals(self, low: float, high: float, units: int) -> Any:
        """Real numbers."""
        return self.rng.uniform(low, high, self.size(units)).astype("float32")

    def as_read(self, labels: Any, *, alone: bool = False) -> Any:
        """The same whole numbers as some data set brings them, of a unit that is `alone` or not."""
        kinds = ["int32", "int64", "float32", "float64", "uint8", "int8"]
        fit = [kind for kind in kinds if np.array_equal(labels, labels.astype(kind))]
        labels = labels.astype(self.draw(st.sampled_from(fit)))
        # Of several places, Keras cannot match the weights of a lone unit's labels otherwise.
        column = self.draw(st.booleans()) or (alone and self.inner)
        return labels[..., None] if column else labels


def _made(choice: Any) -> Any:
    return choice() if callable(choice) else choice


def _ids_as_probabilities(d: Draws) -> Head:
    c = d.draw(st.integers(2, 9))
    chosen = [
        "accuracy",
        "acc",
        "sparse_categorical_accuracy",
        lambda: metrics.SparseTopKCategoricalAccuracy(k=2),
    ]
    loss = "sparse_categorical_crossentropy"
    return Head("ids", c, "softmax", loss, d.some(chosen), d.as_read(d.ids(c)))


def _ids_as_logits(d: Draws) -> Head:
    c = d.draw(st.integers(2, 9))
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    chosen = ["accuracy", "sparse_categorical_accuracy"]
    return Head("ids, logits", c, None, loss, d.some(chosen), d.as_read(d.ids(c)))


def _rows_as_probabilities(d: Draws) -> Head:
    c = d.draw(st.integers(3, 9))
    loss = d.one(
        [
            "categorical_crossentropy",
            "categorical_focal_crossentropy",
            "kl_divergence",
            lambda: losses.CategoricalCrossentropy(label_smoothing=0.1),
        ]
    )
    chosen = ["accuracy", "categorical_accuracy", lambda: metrics.TopKCategoricalAccuracy(k=2)]
    return Head("rows", c, "softmax", loss, d.some(chosen), d.rows(c))


def _rows_as_logits(d: Draws) -> Head:
    c = d.draw(st.integers(3, 9))
    loss = losses.CategoricalCrossentropy(from_logits=True)
    return Head("rows, logits", c, None, loss, d.some(["accuracy", "acc"]), d.rows(c))


def _soft_rows(d: Draws) -> Head:
    c = d.draw(st.integers(3, 9))
    labels = d.rng.dirichlet(np.ones(c), d.size()).astype("float32")
    loss = d.one(["categorical_crossentropy", "kl_divergence"])
    return Head("soft rows", c, "softmax", loss, d.some(["accuracy", "mae"]), labels)


def _yes_or_no(d: Draws) -> Head:
    loss = d.one(["binary_crossentropy", "binary_focal_crossentropy", losses.BinaryCrossentropy])
    chosen = ["accuracy", "binary_accuracy", "AUC", metrics.Precision, metrics.Recall]
    return Head("binary", 1, "sigmoid", loss, d.some(chosen), d.as_read(d.ids(2), alone=True))


def _yes_or_no_as_logit(d: Draws) -> Head:
    loss = losses.BinaryCrossentropy(from_logits=True)
    chosen = [
        lambda: metrics.BinaryAccuracy(threshold=0.0, name="accuracy"),
        lambda: metrics.AUC(from_logits=True),
    ]
    return Head("binary, logit", 1, None, loss, d.some(chosen), d.as_read(d.ids(2), alone=True))


def _several_labels(d: Draws) -> Head:
    c = d.draw(st.integers(3, 9))
    chosen = ["binary_accuracy", metrics.Precision, metrics.Recall, lambda: metrics.AUC(name="auc")]
    loss = d.one(["binary_crossentropy", "binary_focal_crossentropy"])
    return Head("several labels", c, "sigmoid", loss, d.some(chosen), d.several(c))


def _several_labels_as_logits(d: Draws) -> Head:
    c = d.draw(st.integers(3, 9))
    loss = losses.BinaryCrossentropy(from_logits=True)
    chosen = [lambda: metrics.BinaryAccuracy(threshold=0.0)]
    return Head("several labels, logits", c, None, loss, d.some(chosen), d.several(c))


_DISTANCES = ("mae", "mse", "mean_squared_logarithmic_error", metrics.RootMeanSquaredError)


def _regression(d: Draws) -> Head:
    c = d.draw(st.integers(1, 5))
    loss = d.one(["mse", "mae", "huber", "log_cosh", losses.MeanSquaredError])
    spread = d.draw(st.sampled_from([1.0, 3.0, 900.0]))
    labels = d.reals(-spread, spread, c)
    chosen = ("mae", "mse", metrics.RootMeanSquaredError)
    return Head("regression", c, None, loss, d.some(chosen), labels)


def _bounded_regression(d: Draws) -> Head:
    c = d.draw(st.integers(1, 5))
    activation, low = d.draw(st.sampled_from([("sigmoid", 0.0), ("tanh", -1.0)]))
    loss = d.one(["mse", "mae", "huber"])
    return Head(
        "bounded regression", c, activation, loss, d.some(("mae", "mse")), d.reals(low, 1, c)
    )


def _positive_regression(d: Draws) -> Head:
    c = d.draw(st.integers(1, 5))
    activation = d.draw(st.sampled_from(["softplus", "exponential"]))
    loss = d.one(["mean_squared_logarithmic_error", "poisson", "mse"])
    labels = d.reals(0, 20, c)
    if d.draw(st.booleans()):
        labels = np.floor(labels)
    return Head("positive regression", c, activation, loss, d.some(_DISTANCES), labels)


def _sides(d: Draws) -> Head:
    activation = d.draw(st.sampled_from([None, "tanh"]))
    loss = d.one(["hinge", "squared_hinge"])
    labels = d.as_read(d.ids(2) * 2.0 - 1.0, alone=True)
    return Head("hinge", 1, activation, loss, (), labels)


def _pixels(d: Draws) -> Head:
    c = d.draw(st.integers(2, 6))
    return Head("pixels", c, "sigmoid", "binary_crossentropy", d.some(["mse"]), d.reals(0, 1, c))


RECIPES: tuple[Callable[[Draws], Head], ...] = (
    _ids_as_probabilities,
    _ids_as_logits,
    _rows_as_probabilities,
    _rows_as_logits,
    _soft_rows,
    _yes_or_no,
    _yes_or_no_as_logit,
    _several_labels,
    _several_labels_as_logits,
    _regression,
    _bounded_regression,
    _positive_regression,
    _sides,
    _pixels,
)


@st.composite
def heads(draw: Callable[[Any], Any], inner: Inner) -> Head:
    """Any head that is right by its loss's own definition."""
    recipe = draw(st.sampled_from(RECIPES))
    return recipe(Draws(draw, inner))
