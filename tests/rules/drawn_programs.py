"""Programs drawn at random: bodies and ways of writing a model, around drawn heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st
from keras import layers

from tests.rules.drawn_heads import Head, Inner, N, heads

# Inputs by what the labels call for: one answer a sample, one a step, one a pixel.
BODIES: dict[Inner, tuple[str, ...]] = {
    (): ("table", "picture", "words", "series"),
    (4,): ("steps", "masked steps"),
    (3, 2): ("map",),
}
WAYS = ("functional", "sequential", "subclassed")
NESTING = ("list", "dict")


@dataclass(frozen=True)
class DrawnProgram:
    """A program.

    Attributes:
        body: what comes before the heads.
        way: how the model is written.
        nesting: how several outputs are nested.
        heads: its outputs.
        weighted: whether samples are weighted, some by 0.
        in_weighted: whether the metrics are given as `weighted_metrics`.
        seed: of the model's weights and inputs.
    """

    body: str
    way: str
    nesting: str
    heads: tuple[Head, ...]
    weighted: bool
    in_weighted: bool
    seed: int

    def but(self, head: Head) -> DrawnProgram:
        """The same with another first head."""
        return DrawnProgram(
            self.body,
            self.way,
            self.nesting,
            (head, *self.heads[1:]),
            self.weighted,
            self.in_weighted,
            self.seed,
        )

    def compiled(self) -> Any:
        """The compiled model."""
        keras.utils.set_random_seed(self.seed)
        model = self._model()
        metrics = self._nested([list(head.metrics) for head in self.heads])
        model.compile(
            "sgd",
            loss=self._nested([head.loss for head in self.heads]),
            **{"weighted_metrics" if self.in_weighted else "metrics": metrics},
        )
        return model

    def data(self) -> tuple[Any, Any, Any]:
        """Inputs, labels and weights as for `fit`."""
        labels = self._nested([head.labels for head in self.heads])
        return self._inputs(), labels, self._weight()

    def _weight(self) -> Any:
        """A weight for each place that is predicted."""
        if not self.weighted or len(self.heads) > 1:
            return None
        inner = next(inner for inner, bodies in BODIES.items() if self.body in bodies)
        rising = np.linspace(0, 2, N).reshape(N, *[1] * len(inner))
        return np.broadcast_to(rising, (N, *inner)).astype("float32")

    def _nested(self, parts: Sequence[Any]) -> Any:
        if len(parts) == 1:
            return parts[0]
        if self.nesting == "list":
            return list(parts)
        return {name(place): part for place, part in enumerate(parts)}

    def _inputs(self) -> Any:
        rng = np.random.default_rng(self.seed)
        if self.body == "words":
            ids = rng.integers(1, 20, (N, 6))
            ids[:, 4:] *= rng.integers(0, 2, (N, 2))
            return ids
        x = rng.normal(size=(N, *_SHAPES[self.body])).astype("float32")
        if self.body == "masked steps":
            x[: N // 2, -1] = 0.0
        return x

    def _model(self) -> Any:
        stack = _stack(self.body)
        ends = [
            layers.Dense(head.units, activation=head.activation, name=name(place))
            for place, head in enumerate(self.heads)
        ]
        given = keras.Input(_SHAPES[self.body], dtype="int32" if self.body == "words" else None)
        if self.way == "sequential" and len(ends) == 1:
            return keras.Sequential([given, *stack, *ends])
        if self.way == "subclassed":
            return Written(stack, ends, self._nested)
        h: Any = given
        for layer in stack:
            h = layer(h)
        return keras.Model(given, self._nested([end(h) for end in ends]))


class Written(keras.Model):
    """A model as a class of the user's own."""

    def __init__(
        self, stack: list[Any], ends: list[Any], nested: Callable[[Sequence[Any]], Any]
    ) -> None:
        super().__init__()
        self.stack = stack
        self.ends = ends
        self.nested = nested

    def call(self, inputs: Any) -> Any:
        h = inputs
        for layer in self.stack:
            h = layer(h)
        return self.nested([end(h) for end in self.ends])


def name(place: int) -> str:
    """The name of an output."""
    return f"out_{place}"


_SHAPES = {
    "table": (5,),
    "picture": (4, 4, 1),
    "words": (6,),
    "series": (5, 3),
    "steps": (4, 3),
    "masked steps": (4, 3),
    "map": (3, 2, 2),
}


def _stack(body: str) -> list[Any]:
    return {
        "table": lambda: [layers.Dense(6, "relu"), layers.Dropout(0.2)],
        "picture": lambda: [layers.Conv2D(3, 2, activation="relu"), layers.Flatten()],
        "words": lambda: [layers.Embedding(20, 4, mask_zero=True), layers.GRU(5)],
        "series": lambda: [layers.Conv1D(4, 2, activation="relu"), layers.GlobalMaxPooling1D()],
        "steps": lambda: [layers.LSTM(4, return_sequences=True)],
        "masked steps": lambda: [layers.Masking(), layers.GRU(4, return_sequences=True)],
        "map": lambda: [layers.Conv2D(4, 3, padding="same", activation="relu")],
    }[body]()


@st.composite
def programs(draw: Callable[[Any], Any]) -> DrawnProgram:
    """Any program that is right, whatever its parts."""
    inner = draw(st.sampled_from(list(BODIES)))
    body = draw(st.sampled_from(BODIES[inner]))
    count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    return DrawnProgram(
        body,
        draw(st.sampled_from(WAYS)),
        draw(st.sampled_from(NESTING)),
        tuple(draw(heads(inner)) for _ in range(count)),
        weighted=draw(st.booleans()),
        in_weighted=draw(st.booleans()),
        seed=draw(st.integers(0, 2**16)),
    )
