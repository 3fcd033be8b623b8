"""Of a fit that cannot change its weights it is said why, and nothing that would not help."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import sampling
from tests.capture.conftest import classes, dense, features

X, Y = features(128), classes(128)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that is busy must not keep gradients from being measured.
    monkeypatch.setattr(sampling, "ALLOWANCE", 60.0)


def fitted(record: Any, model: Any, x: Any = X, y: Any = Y, **fit: Any) -> Any:
    return record(model, x, y, validation_data=(0.9 * x, y), **({"epochs": 8} | fit))


def compiled(optimizer: Any = "adam") -> Any:
    model = dense()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def flags(recorded: Any) -> dict[str, dict[str, Any]]:
    found = recorded.document["findings"]
    return {f["code"]: f for f in found if f["severity"] != "info"}


def of_weights(recorded: Any) -> list[str]:
    rows = [row for row in recorded.epochs if row["split"] == "train"]
    told = [sentence for row in rows for sentence in row["reconciliation"]]
    return [sentence for sentence in told if "weight" in sentence]


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize("late", [False, True])
def test_a_model_without_trainable_weights(record: Any, *, late: bool) -> None:
    model = compiled()
    model.trainable = False
    if not late:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorded = fitted(record, model)
    found = flags(recorded)
    assert set(found) == {"LM404"}
    assert found["LM404"]["message"].startswith("the model has no trainable weights: ")
    assert set(of_weights(recorded)) == {
        "No weight was trained in this epoch: the model has no trainable ones."
    }


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_a_good_model_that_is_fitted_to_evaluate_it(record: Any) -> None:
    labels = (X[:, 0] > 0).astype(int)
    model = compiled(keras.optimizers.Adam(0.05))
    model.fit(X, labels, epochs=20, verbose=0)
    model.trainable = False
    assert flags(fitted(record, model, y=labels)) == {}


def test_a_rate_of_zero(record: Any) -> None:
    recorded = fitted(record, compiled(keras.optimizers.Adam(0.0)))
    assert set(flags(recorded)) == {"LM415"}
    assert set(of_weights(recorded)) == {
        "No weight was trained in this epoch: the learning rate was 0."
    }


def test_a_rate_that_came_down_to_zero_within_an_epoch(record: Any) -> None:
    decay: Any = keras.optimizers.schedules.PolynomialDecay(0.01, 4, 0.0)
    recorded = fitted(record, compiled(keras.optimizers.Adam(decay)), epochs=2)
    first, *_, last = of_weights(recorded)
    assert "in which the weights moved" in first
    assert last == "No weight was trained in this epoch: the learning rate was 0."


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_rate_that_is_too_low(record: Any, optimizer: str) -> None:
    rate = keras.optimizers.get(optimizer)
    rate.learning_rate = 1e-7 if optimizer == "SGD" else 1e-9
    recorded = fitted(record, compiled(rate))
    assert set(flags(recorded)) == {"LM415"}


def test_inputs_that_are_all_alike(record: Any) -> None:
    found = flags(fitted(record, compiled(), X * 0, epochs=12))
    assert set(found) == {"LM503"}
    assert found["LM503"]["severity"] == "warning"
    check = lossmon.check(compiled(), X * 0, Y)
    assert [f.code for f in check if f.severity != "info"] == ["LM503"]


def test_an_output_that_does_not_depend_on_the_inputs(record: Any) -> None:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Rescaling(0.0),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert set(flags(fitted(record, model, epochs=16))) <= {"LM403", "LM404"}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="units are measured on TensorFlow alone"
)
def test_kernels_of_zeros(record: Any) -> None:
    model = dense(kernel_initializer="zeros")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fix = flags(fitted(record, model))["LM414"]["fix"]
    assert fix.startswith('kernel_initializer="glorot_uniform"  # in ')
    assert "LM414" not in flags(fitted(record, compiled()))


def test_labels_of_classes_are_not_to_be_scaled() -> None:
    model = dense(1, "relu")
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    (finding,) = [f for f in lossmon.check(model, X, np.minimum(Y, 1)) if f.code == "LM109"]
    assert finding.fix == "keras.layers.Dense(1)  # no activation"
    model.compile("adam", "mse")
    (finding,) = [f for f in lossmon.check(model, X, X[:, :1]) if f.code == "LM109"]
    assert "or scale y into [0, " in finding.fix
