"""Cross-entropies told of logits, given probabilities: TensorFlow's may find the scores behind."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.analysis import verdict
from lossmon.rules import rule_summaries
from tests.capture.conftest import classes, features

pytestmark = [
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="only TensorFlow's losses go back to scores"
    ),
    # Keras asks likewise whether that was intended.
    pytest.mark.filterwarnings("ignore:.*received `from_logits=True`:UserWarning"),
]

layers = keras.layers


def _softmax(values: Any) -> Any:
    import tensorflow as tf

    return tf.nn.softmax(values)


def heads() -> dict[str, list[Any]]:
    return {
        "dense": [layers.Dense(3, activation="softmax")],
        "a layer of its own": [layers.Dense(3), layers.Softmax()],
        "an operation": [layers.Dense(3), layers.Lambda(_softmax)],
        "dropout behind": [layers.Dense(3, activation="softmax"), layers.Dropout(0.5)],
        "reshaped": [layers.Dense(3, activation="softmax"), layers.Reshape((3,))],
        "half precision": [layers.Dense(3, activation="softmax", dtype="mixed_float16")],
    }


def model_of(head: str, eager: bool, **compiled: Any) -> Any:
    model = keras.Sequential([keras.Input((6,)), *heads()[head]])
    model.compile("sgd", run_eagerly=eager, **compiled)
    return model


def told_of_logits() -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def values_of(model: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The cross-entropy of the predictions, and that of their softmax."""
    predicted = np.asarray(model.predict(x, verbose=0), np.float64)
    again = np.exp(predicted) / np.exp(predicted).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    once, twice = (float(-np.log(one[rows, y]).mean()) for one in (predicted, again))
    return once, twice


RIGHT = ["dense", "a layer of its own"]
CASES = [
    *((head, eager, True) for head in RIGHT for eager in (False, True)),
    ("an operation", False, True),
    ("an operation", True, False),
    *((head, eager, False) for head in ("reshaped", "half precision") for eager in (False, True)),
]


@pytest.mark.parametrize(("head", "eager", "right"), CASES)
def test_a_loss_is_called_wrong_where_it_is(head: str, eager: bool, right: bool) -> None:
    x, y = features(), classes()
    model = model_of(head, eager, loss=told_of_logits())
    (finding,) = [one for one in lossmon.check(model, x, y) if one.code == "LM102"]
    value = model.evaluate(x, y, verbose=0)
    once, twice = values_of(model, x, y)
    assert abs(once - twice) > 1e-2
    assert value == pytest.approx(once if right else twice, rel=2e-3)
    assert finding.severity == ("warning" if right else "error")
    assert ("so the loss is right" in finding.message) is right
    assert ("applies the activation again" in finding.message) is not right


def test_layers_that_act_in_training_alone_count() -> None:
    model = model_of("dropout behind", False, loss=told_of_logits())
    (finding,) = [one for one in lossmon.check(model, features(), classes()) if one.code == "LM102"]
    assert finding.severity == "error"


@pytest.mark.parametrize(("head", "eager", "right"), CASES)
def test_a_metric_is_called_wrong_where_it_is(head: str, eager: bool, right: bool) -> None:
    x, y = features(), classes()
    metric = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="ce")
    model = model_of(head, eager, loss="sparse_categorical_crossentropy", metrics=[metric])
    (finding,) = [one for one in lossmon.check(model, x, y) if one.code == "LM309"]
    value = model.evaluate(x, y, verbose=0, return_dict=True)["ce"]
    once, twice = values_of(model, x, y)
    said_right = "so the number is right" in finding.message
    assert said_right is (abs(value - once) < abs(value - twice))
    if head != "half precision":
        assert said_right is right


def test_metrics_that_apply_it_again_are_told_alone() -> None:
    model = keras.Sequential([keras.Input((6,)), layers.Dense(1, activation="sigmoid")])
    metrics = [
        keras.metrics.BinaryCrossentropy(from_logits=True, name="ce"),
        keras.metrics.AUC(from_logits=True, name="auc"),
    ]
    model.compile("sgd", "binary_crossentropy", metrics=metrics)
    y = classes(count=2)[:, None]
    (finding,) = [one for one in lossmon.check(model, features(), y) if one.code == "LM309"]
    assert finding.message.startswith("'auc' (")
    assert "applies the activation again" in finding.message


def test_a_training_whose_loss_is_right_is_not_refused(db: str) -> None:
    x, y = features(), classes()
    histories: list[Any] = []
    for told in (True, False):
        keras.utils.set_random_seed(7)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=told)
        model = model_of("dense", False, loss=loss)
        monitor = lossmon.Monitor(db=db, run=f"told-{told}", strict=True)
        fitted = model.fit(x, y, epochs=2, verbose=0, callbacks=[monitor])
        histories.append(fitted.history["loss"])
    assert histories[0] == histories[1]
    document = lossmon.open_store(db).run("told-True")
    assert {row["status"] for row in document["epochs"]} == {"verified"}
    points = " ".join(point.said for point in verdict(document, reasons=rule_summaries()).points)
    assert "does not mean what it says" not in points
    assert "right on TensorFlow alone" in points
