"""Models that were written alike have one hash, and others have another or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from lossmon.capture.config_hash import config_hash

layers = keras.layers


def sequential(
    rate: float = 0.2, activation: Any = "relu", seed: int | None = None, penalty: Any = "l2"
) -> Any:
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, activation=activation, kernel_initializer=_initializer(seed)),
            layers.Dropout(rate, seed=seed),
            layers.Dense(2, kernel_regularizer=penalty),
        ]
    )


def _initializer(seed: int | None) -> Any:
    return keras.initializers.GlorotUniform(seed=seed)


def functional(name: str | None = None, *, skip: bool = True) -> Any:
    given = keras.Input((4,))
    hidden = layers.Dense(4, name=name)(given)
    joined = layers.Add()([given if skip else hidden, hidden])
    return keras.Model(given, layers.Dense(1)(joined))


class Block(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


class Model(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


class Regularizer(keras.regularizers.Regularizer):
    def __call__(self, x: Any) -> Any:
        del x
        return keras.ops.zeros(())

    def get_config(self) -> dict[str, Any]:
        return {}


def own(inputs: Any) -> Any:
    return inputs


def test_names_and_seeds_are_no_difference() -> None:
    assert config_hash(sequential()) == config_hash(sequential())
    assert config_hash(sequential(seed=1)) == config_hash(sequential(seed=2))
    assert config_hash(functional()) == config_hash(functional("named"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (lambda: sequential(0.2), lambda: sequential(0.5)),
        (lambda: sequential(activation="relu"), lambda: sequential(activation="tanh")),
        (functional, lambda: functional(skip=False)),
    ],
)
def test_another_setting_of_a_layer_is(one: Callable[[], Any], two: Callable[[], Any]) -> None:
    found = config_hash(one()), config_hash(two())
    assert None not in found
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "make",
    [
        Model,
        lambda: keras.Sequential([keras.Input((4,)), Block()]),
        lambda: sequential(activation=own),
        lambda: sequential(activation=lambda x: x),
        lambda: keras.Sequential([keras.Input((4,)), layers.Lambda(own)]),
        lambda: sequential(penalty=Regularizer()),
    ],
)
def test_code_of_the_users_own_is_not_known(make: Callable[[], Any]) -> None:
    assert config_hash(make()) is None
