"""What inputs hold, and whether the model scales them, looks them up or weighs them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture.inputs import input_facts
from tests.capture.conftest import features

X = features(80)
LAYERS = keras.layers


def sequential(*layers: Any, shape: tuple[int, ...] = (6,)) -> Any:
    return keras.Sequential([keras.Input(shape), *layers, LAYERS.Dense(1)])


def frozen() -> Any:
    layer = LAYERS.Dense(4)
    layer.trainable = False
    return layer


class Own(LAYERS.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    ("layers", "rescaled", "embedded"),
    [
        ([], False, False),
        ([LAYERS.Reshape((2, 3)), LAYERS.Flatten(), LAYERS.Dropout(0.5)], False, False),
        ([LAYERS.Rescaling(1 / 255)], True, False),
        ([LAYERS.Reshape((6,)), LAYERS.BatchNormalization()], True, False),
        ([LAYERS.Embedding(10, 2), LAYERS.Flatten()], True, True),
        ([keras.Sequential([keras.Input((6,)), LAYERS.Rescaling(2.0)])], True, False),
        ([keras.Sequential([keras.Input((6,)), LAYERS.Dense(3)])], False, False),
        ([frozen()], None, None),
        ([Own()], None, None),
        ([LAYERS.Lambda(lambda x: x / 255)], None, None),
    ],
)
def test_what_first_layers_do(
    layers: list[Any], rescaled: bool | None, embedded: bool | None
) -> None:
    (facts,) = list(input_facts(sequential(*layers), X) or ())
    assert (facts.name, facts.samples, facts.columns) == (None, 80, 6)
    assert (facts.rescaled, facts.embedded) == (rescaled, embedded)


def test_an_input_that_is_scaled_on_one_way_is_not_accused() -> None:
    given = keras.Input((6,))
    both = LAYERS.Concatenate()([LAYERS.Rescaling(0.1)(given), LAYERS.Dense(2)(given)])
    (facts,) = list(input_facts(keras.Model(given, LAYERS.Dense(1)(both)), X) or ())
    assert facts.rescaled is True


def test_inputs_are_named_by_the_model_whatever_their_order() -> None:
    left, right = keras.Input((6,), name="left"), keras.Input((2,), name="right")
    model = keras.Model([left, right], LAYERS.Dense(1)(LAYERS.Concatenate()([left, right])))
    for x in ([X, X[:, :2]], {"right": X[:, :2], "left": X}):
        facts = input_facts(model, x) or ()
        assert [(f.name, f.columns) for f in facts] == [("left", 6), ("right", 2)]
    assert input_facts(model, X) is None


def test_what_is_no_number_is_not_known() -> None:
    assert input_facts(sequential(), np.array([["a"] * 6] * 8)) is None


def codes(db: str) -> list[str]:
    return [f["code"] for f in lossmon.open_store(db).run_document("latest")["findings"]]


@pytest.mark.parametrize("batch_size", [16, 80])
def test_a_fit_and_a_check_tell_the_same_of_inputs(batch_size: int, db: str) -> None:
    x = X * 1000.0
    x[:, 2] = 37.0
    model = sequential()
    model.compile("sgd", "mse")
    found = lossmon.check(model, x, X[:, 0])
    assert [f.code for f in found] == ["LM501", "LM503"]
    model.optimizer.learning_rate = 0.0
    model.fit(x, X[:, 0], batch_size=batch_size, verbose=0, callbacks=[lossmon.Monitor(db)])
    assert codes(db) == ["LM501", "LM503"]


def test_values_that_spoil_the_predictions_are_named_before_the_first_step(db: str) -> None:
    x = X.copy()
    x[3, 1] = np.nan
    model = sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="stop"):
        model.fit(x, X[:, 0], shuffle=False, verbose=0, callbacks=[lossmon.Monitor(db), Stop()])
    assert "LM502" in codes(db)


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        raise ValueError("stop")
