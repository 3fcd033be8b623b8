"""What values an output can take: from the graph, and by trying other weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from lossmon.capture.facts import gather_facts
from lossmon.rules import OutputRange

X = np.random.default_rng(0).normal(size=(32, 7)).astype("float32")
Y = np.zeros(32)


class Applied(layers.Layer):
    """A function that no layer's `activation` shows."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)


def found(model: keras.Model) -> OutputRange | None:
    model.compile(loss="mse")
    (output,) = gather_facts(model, X, Y).outputs
    return output.range


def functional(*stack: Any, units: int = 1) -> Any:
    return keras.Sequential([keras.Input((7,)), layers.Dense(units), *stack])


def subclassed(function: Callable[[Any], Any]) -> Any:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.last = layers.Dense(8, activation="relu"), layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return function(self.last(self.hidden(inputs)))

    return Own()


def five_tanh(t: Any) -> Any:
    bounded: Any = ops.tanh(t)
    return 5.0 * bounded


BOUNDS: list[tuple[Callable[[Any], Any], float, float]] = [
    (lambda t: t, -math.inf, math.inf),
    (lambda t: 3.0 * t + 1.0, -math.inf, math.inf),
    (ops.sigmoid, 0.0, 1.0),
    (ops.tanh, -1.0, 1.0),
    (ops.relu, 0.0, math.inf),
    (ops.softplus, 0.0, math.inf),
    (ops.elu, -1.0, math.inf),
    (five_tanh, -5.0, 5.0),
    (lambda t: ops.clip(t, 2.0, 4.0), 2.0, 4.0),
]


@pytest.mark.parametrize("make", [lambda f: functional(Applied(f)), subclassed])
@pytest.mark.parametrize(("function", "low", "high"), BOUNDS)
def test_hidden_functions_are_found_by_trial(
    make: Callable[[Any], keras.Model], function: Callable[[Any], Any], low: float, high: float
) -> None:
    values = found(make(function))
    assert values is not None
    assert values.proof == "trial"
    assert (values.low, values.high) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [("linear", -math.inf, math.inf), ("sigmoid", 0, 1), ("tanh", -1, 1), ("relu", 0, math.inf)],
)
def test_known_functions_are_read_from_the_graph(activation: str, low: float, high: float) -> None:
    for model in (
        functional(layers.Activation(activation)),
        functional(layers.Activation(activation), layers.Reshape((1, 1)), layers.Flatten()),
        keras.Sequential([keras.Input((7,)), functional(layers.Activation(activation))]),
    ):
        values = found(model)
        assert values is not None
        assert (values.proof, values.low, values.high) == ("graph", low, high)


def test_a_name_proves_nothing() -> None:
    model = keras.Sequential([keras.Input((7,)), layers.Dense(1, name="sigmoid_softmax")])
    values = found(model)
    assert values is not None
    assert values.low == -math.inf


def test_a_softmax_is_normalised_wherever_it_hides() -> None:
    for stack in (
        [layers.Softmax()],
        [Applied(ops.softmax)],
        [Applied(ops.softmax), layers.ReLU()],
    ):
        values = found(functional(*stack, units=4))
        assert values is not None
        assert values.normalised
        assert values.within(0.0, 1.0)


def test_stacked_squashing_shows_in_its_range() -> None:
    twice = functional(layers.Activation("sigmoid"), layers.Activation("sigmoid"))
    values = found(twice)
    assert values is not None
    assert (values.low, values.high) == pytest.approx((0.5, 1 / (1 + math.exp(-1))), abs=1e-3)


def test_a_softmax_over_one_unit_is_one() -> None:
    values = found(functional(Applied(lambda t: ops.exp(t - t) / 1.0)))
    assert values is not None
    assert (values.low, values.high) == (1.0, 1.0)


def test_constraints_are_kept_in_the_trial() -> None:
    head = layers.Dense(
        1, kernel_constraint=keras.constraints.NonNeg(), bias_constraint=keras.constraints.NonNeg()
    )
    model = keras.Sequential([keras.Input((7,)), layers.Dense(4, activation="relu"), head])
    values = found(model)
    assert values is not None
    assert values.low == pytest.approx(0.0, abs=1e-3) or values.low >= 0


def test_a_model_without_weights_is_not_known() -> None:
    given = keras.Input((7,))
    values = found(keras.Model(given, Applied(lambda t: t[:, :1])(given)))
    assert values is None


def test_the_model_and_the_random_numbers_are_left_alone() -> None:
    given = keras.Input((7,))
    h = layers.BatchNormalization()(layers.Dropout(0.5)(layers.Dense(8)(given)))
    model = keras.Model(given, Applied(ops.sigmoid)(layers.Dense(1)(h)))
    model.compile(optimizer="adam", loss="mse", metrics=["accuracy"])
    # The dropout's random state is one of the variables.
    before = [v.numpy().copy() for v in model.variables]
    random = np.random.get_state()
    gather_facts(model, X, Y)
    after = [v.numpy() for v in model.variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert str(random) == str(np.random.get_state())
