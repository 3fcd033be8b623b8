"""Inputs with NaN or infinite values are told of, and what becomes of the predictions is tried."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import spoiled
from lossmon.capture.spoiled import spoiled_inputs
from tests.capture.conftest import features

LAYERS = keras.layers
X = features(80)
Y = X[:, 0]
GONE: Any = keras.initializers.Constant(np.nan)


class Numbers(LAYERS.Layer):
    """Makes 0 of NaN, as some kernels of `relu` do."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.where(keras.ops.isnan(inputs), keras.ops.zeros_like(inputs), inputs)


class OwnStep(keras.Model):
    def train_step(self, *given: Any) -> Any:
        return super().train_step(*given)


def missing(values: Any = X, row: int = 3, column: Any = 1, value: float = np.nan) -> Any:
    x = values.copy()
    x[row, column] = value
    return x


def sequential(*layers: Any) -> Any:
    return keras.Sequential([keras.Input((6,)), *layers])


def effects(model: Any, x: Any) -> list[str | None]:
    return [found.effect for found in spoiled_inputs(model, x)]


@pytest.mark.parametrize(
    ("layers", "effect"),
    [
        ((LAYERS.Dense(4), LAYERS.Dense(1)), "spread"),
        ((LAYERS.Dense(4), Numbers(), LAYERS.Dense(1)), "lost"),
        ((Numbers(), LAYERS.Dense(4), LAYERS.Dense(1)), "handled"),
        ((LAYERS.Lambda(keras.ops.nan_to_num), LAYERS.Dense(1)), "handled"),
        # Nothing can be told of a model whose answers are all the same, or have gone already.
        ((Numbers(), LAYERS.Dense(1, kernel_initializer="zeros")), None),
        ((LAYERS.Dense(1, kernel_initializer=GONE),), None),
    ],
)
def test_what_becomes_of_predictions(layers: tuple[Any, ...], effect: str | None) -> None:
    assert effects(sequential(*layers), missing()) == [effect]


@pytest.mark.parametrize("eager", [False, True])
def test_predictions_are_tried_the_way_that_predict_makes_them(eager: bool) -> None:
    # Of `max(NaN, 0)` TensorFlow makes 0 where it fuses layer and `relu`, and else NaN.
    model = sequential(LAYERS.Dense(4, activation="relu"), LAYERS.Dense(1))
    model.compile("sgd", "mse", run_eagerly=eager)
    x = missing()
    finite = bool(np.isfinite(model.predict(x[3:4], verbose=0)).all())
    assert effects(model, x) == ["lost" if finite else "spread"]
    if keras.backend.backend() == "tensorflow":
        assert finite is not eager


def test_infinity_that_saturates_takes_the_rest_of_its_sample_with_it() -> None:
    model = sequential(LAYERS.Dense(4, activation="tanh"), LAYERS.Dense(1))
    assert effects(model, missing(value=-np.inf)) == ["lost"]


def test_every_sample_may_lack_something() -> None:
    x = X.copy()
    x[np.arange(80), np.arange(80) % 6] = np.nan
    assert effects(sequential(LAYERS.Dense(4), Numbers(), LAYERS.Dense(1)), x) == ["lost"]
    assert effects(sequential(Numbers(), LAYERS.Dense(1)), x) == ["handled"]


def test_a_sample_that_holds_nothing_else_accuses_nobody() -> None:
    model = sequential(Numbers(), LAYERS.Dense(1))
    assert effects(model, missing(column=slice(None))) == [None]
    # That with the fewest such values is tried.
    assert effects(model, missing(missing(column=slice(None)), row=9)) == ["handled"]


def test_a_step_of_the_users_own_may_make_numbers_of_them_first() -> None:
    given = keras.Input((6,))
    assert effects(OwnStep(given, LAYERS.Dense(1)(given)), missing()) == [None]


def test_batches_of_one_size_are_not_tried() -> None:
    model = keras.Sequential([keras.Input(batch_shape=(8, 6)), LAYERS.Dense(1)])
    assert effects(model, missing()) == [None]


def test_inputs_are_told_apart() -> None:
    left, right = keras.Input((6,), name="left"), keras.Input((2,), name="right")
    both = LAYERS.Concatenate()([LAYERS.Dense(2)(left), Numbers()(right)])
    model = keras.Model([left, right], LAYERS.Dense(1)(both))
    x = {"right": missing(X[:, :2]), "left": missing(missing(), row=5, column=slice(0, 2))}
    one, two = spoiled_inputs(model, x, split="val")
    assert (one.name, one.nonfinite, one.elements) == ("left", 3, 480)
    assert (one.spoiled, one.samples, one.split, one.effect) == (2, 80, "val", "spread")
    assert (two.name, two.nonfinite, two.effect) == ("right", 1, "handled")


def test_sound_inputs_and_ids_cost_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoiled, "forward_as_predict", None)
    assert spoiled_inputs(sequential(LAYERS.Dense(1)), X) == ()
    assert spoiled_inputs(sequential(LAYERS.Dense(1)), np.zeros((8, 6), "int32")) == ()
    assert spoiled_inputs(sequential(), np.array([["a"] * 6] * 8)) == ()


def test_of_large_arrays_parts_from_all_over_are_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spoiled, "SEEN_VALUES", 64 * 12)
    model = sequential(LAYERS.Dense(1))
    x = np.ones((4000, 6), "float32")
    x[3000:, 2] = np.nan
    (found,) = spoiled_inputs(model, x)
    assert found.elements == 64 * 12
    assert found.spoiled / found.samples == pytest.approx(0.25, abs=0.05)


def findings(db: str) -> list[dict[str, Any]]:
    told = lossmon.open_store(db).run_document("latest")["findings"]
    return [finding for finding in told if finding["code"] == "LM502"]


@pytest.mark.parametrize("how", ["validation_data", "validation_split", "train"])
def test_a_fit_tells_of_what_loss_and_predictions_hide(how: str, db: str) -> None:
    model = sequential(LAYERS.Dense(4), Numbers(), LAYERS.Dense(1))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    data: dict[str, Any] = {"x": X, "validation_data": (missing(), Y)}
    if how == "validation_split":
        data = {"x": missing(row=75), "validation_split": 0.25}
    elif how == "train":
        data = {"x": missing()}
    model.fit(**data, y=Y, verbose=0, callbacks=[lossmon.Monitor(db)])
    (found,) = findings(db)
    of_validation = how != "train"
    assert found["severity"] == "warning"
    assert found["evidence"]["split"] == ("val" if of_validation else "train")
    assert ("the input of the validation data: 1 of " in found["message"]) == of_validation
    assert "the same whatever else a sample holds" in found["message"]
    assert found["fix"].startswith("x_val = " if of_validation else "x = ")


def test_what_the_model_deals_with_is_advice(db: str) -> None:
    model = sequential(Numbers(), LAYERS.Dense(1))
    model.compile("sgd", "mse")
    data = missing(), Y
    assert [f.severity for f in lossmon.check(model, *data) if f.code == "LM502"] == ["info"]
    model.fit(*data, validation_data=data, verbose=0, callbacks=[lossmon.Monitor(db)])
    (found,) = findings(db)
    assert found["severity"] == "info"
    assert found["message"].count("finite and go by their other values") == 2


def test_the_trial_leaves_the_training_as_it_is(db: str) -> None:
    def trained(*callbacks: Any) -> list[Any]:
        keras.utils.set_random_seed(0)
        model = sequential(Numbers(), LAYERS.Dense(8), LAYERS.Dropout(0.5), LAYERS.Dense(1))
        model.compile("adam", "mse")
        data = missing(), Y
        model.fit(*data, validation_data=data, epochs=2, verbose=0, callbacks=[*callbacks])
        return model.get_weights()

    for plain, monitored in zip(trained(), trained(lossmon.Monitor(db)), strict=True):
        np.testing.assert_array_equal(plain, monitored)
    assert len(findings(db)) == 1
