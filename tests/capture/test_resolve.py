"""What acts on which output, against what Keras itself prints and computes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.capture.specs import snake_case

X = np.random.default_rng(0).normal(size=(8, 7)).astype("float32")
IDS = np.arange(8) % 3
REAL = np.linspace(0, 1, 8 * 4).reshape(8, 4).astype("float32")


def two_heads(outputs: str) -> Any:
    given = keras.Input((7,))
    # The names sort in another order than the outputs stand.
    kind = layers.Dense(3, activation="softmax", name="kind")(given)
    box = layers.Dense(4, name="box")(given)
    structure = {"dict": {"kind": kind, "box": box}, "list": [kind, box]}[outputs]
    return keras.Model(given, structure)


def one_head(units: int = 1, activation: str | None = "sigmoid") -> Any:
    return keras.Sequential([keras.Input((7,)), layers.Dense(units, activation=activation)])


def by_name(resolved: list[ResolvedOutput]) -> dict[str | None, ResolvedOutput]:
    return {output.record.name: output for output in resolved}


def custom(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_pred), axis=-1)


class Odd(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(y_pred, axis=-1)


MULTI_METRICS: list[tuple[str, dict[str, Any]]] = [
    ("dict", {"metrics": {"kind": ["accuracy", "acc"], "box": ["mae"]}}),
    ("list", {"metrics": [["accuracy"], ["mae", "mae"]]}),
    ("list", {"metrics": {"box": ["mse"]}, "weighted_metrics": {"box": ["mse", "mae"]}}),
    ("dict", {"weighted_metrics": {"kind": ["accuracy"]}, "metrics": {"kind": ["accuracy"]}}),
]


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
@pytest.mark.parametrize(("outputs", "arguments"), MULTI_METRICS)
def test_keys_are_those_that_keras_prints(
    outputs: str, arguments: dict[str, Any], *, used: bool
) -> None:
    model = two_heads(outputs)
    model.compile(loss={"kind": "sparse_categorical_crossentropy", "box": "mse"}, **arguments)
    y = {"kind": IDS, "box": REAL}
    history = model.fit(X, y, verbose=0).history
    if not used:
        model.compile(loss={"kind": "sparse_categorical_crossentropy", "box": "mse"}, **arguments)
    resolved = resolve(model, y, model(X))
    keys = {m.key for output in resolved for m in output.record.metrics}
    assert keys | {output.loss_key for output in resolved} | {"loss"} == set(history)


def test_each_output_has_its_own_loss_and_metrics() -> None:
    model = two_heads("dict")
    model.compile(
        loss={"kind": "sparse_categorical_crossentropy", "box": "mse"},
        loss_weights={"kind": 1.0, "box": 0.5},
        metrics={"kind": ["accuracy"], "box": ["mae"]},
    )
    outputs = by_name(resolve(model, {"kind": IDS, "box": REAL}, model(X)))
    kind, box = outputs["kind"].record, outputs["box"].record
    assert kind.loss is not None
    assert kind.loss.name == "sparse_categorical_crossentropy"
    assert kind.accuracy_metric is not None
    assert kind.accuracy_metric.name == "sparse_categorical_accuracy"
    assert (kind.shape, kind.activation, kind.layer) == ((None, 3), "softmax", "kind")
    assert box.loss is not None
    assert (box.loss.name, box.loss_weight, box.accuracy_metric) == (
        "mean_squared_error",
        0.5,
        None,
    )


@pytest.mark.parametrize(
    ("units", "labels", "name"),
    [
        (1, IDS, "binary_accuracy"),
        (3, IDS, "sparse_categorical_accuracy"),
        (3, IDS[:, None], "sparse_categorical_accuracy"),
        (3, np.eye(3)[IDS], "categorical_accuracy"),
    ],
)
@pytest.mark.parametrize("word", ["accuracy", "acc", "Accuracy"])
def test_the_word_is_resolved_from_shapes(
    units: int, labels: np.ndarray, name: str, word: str
) -> None:
    model = one_head(units)
    model.compile(loss="mse", metrics=["mae", word])
    (output,) = resolve(model, labels, model(X))
    metric = output.record.accuracy_metric
    assert metric is not None
    assert (metric.name, metric.alias, metric.key) == (name, word, word)
    live = output.metric_objects[output.record.metrics.index(metric)]
    assert type(live).__name__ == metric.label.partition("(")[0]


def test_an_object_is_not_the_word() -> None:
    model = one_head()
    model.compile(loss="mse", metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0)])
    (output,) = resolve(model, IDS, model(X))
    metric = output.record.accuracy_metric
    assert metric is not None
    assert (metric.alias, metric.config) == (None, {"threshold": 0})


def test_a_function_named_accuracy_is_custom() -> None:
    def accuracy(y_true: Any, y_pred: Any) -> Any:
        return custom(y_true, y_pred)

    model = one_head()
    model.compile(loss="mse", metrics=[accuracy])
    (output,) = resolve(model, IDS, model(X))
    metric = output.record.accuracy_metric
    assert metric is not None
    assert (metric.custom, metric.alias, metric.key) == (True, None, "accuracy")


def test_losses_in_all_their_spellings() -> None:
    no_reduction: dict[str, Any] = {"reduction": None}
    spellings: list[tuple[Any, str, dict[str, Any], str, bool]] = [
        ("mse", "mean_squared_error", {}, "sum_over_batch_size", False),
        (keras.losses.Huber(delta=2.0), "huber", {"delta": 2.0}, "sum_over_batch_size", False),
        (keras.losses.mean_absolute_error, "mean_absolute_error", {}, "sum_over_batch_size", False),
        (
            keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum"),
            "binary_crossentropy",
            {"from_logits": True, "label_smoothing": 0.0, "axis": -1},
            "sum",
            False,
        ),
        (
            "binary_crossentropy",
            "binary_crossentropy",
            {"from_logits": False, "label_smoothing": 0.0, "axis": -1},
            "sum_over_batch_size",
            False,
        ),
        (custom, "custom", {}, "sum_over_batch_size", True),
        (Odd(**no_reduction), "Odd", {}, "none", True),
    ]
    for given, name, config, reduction, own in spellings:
        model = one_head()
        model.compile(loss=given)
        (output,) = resolve(model, IDS, model(X))
        loss = output.record.loss
        assert loss is not None
        found = (loss.name, dict(loss.config), loss.reduction, loss.custom)
        assert found == (name, config, reduction, own)


def test_an_output_without_a_loss() -> None:
    model = two_heads("list")
    model.compile(loss=["sparse_categorical_crossentropy", None])
    outputs = resolve(model, [IDS, REAL], model(X))
    assert [output.record.loss is None for output in outputs] == [False, True]
    assert [output.loss_key for output in outputs] == ["loss", None]


def test_one_loss_for_all_outputs() -> None:
    model = two_heads("list")
    model.compile(loss="mse")
    outputs = resolve(model, [np.eye(3)[IDS], REAL], model(X))
    assert {o.record.loss.name for o in outputs if o.record.loss} == {"mean_squared_error"}
    assert [output.loss_key for output in outputs] == ["kind_loss", "box_loss"]


def test_subclassed_models_with_lists_and_dicts() -> None:
    class Two(keras.Model):
        def __init__(self, *, named: bool) -> None:
            super().__init__()
            self.a, self.b, self.named = layers.Dense(1), layers.Dense(4), named

        def call(self, inputs: Any) -> Any:
            a, b = self.a(inputs), self.b(inputs)
            return {"first": a, "second": b} if self.named else [a, b]

    model: Any = Two(named=False)
    model.compile(loss=["mae", "mse"], metrics=[["mae"], ["mse"]])
    outputs = resolve(model, [REAL[:, :1], REAL], model(X))
    assert [output.record.name for output in outputs] == ["output_1", "output_2"]
    model = Two(named=True)
    model.compile(loss={"first": "mae", "second": "mse"}, metrics={"second": ["mse"]})
    y = {"first": REAL[:, :1], "second": REAL}
    history = model.fit(X, y, verbose=0).history
    outputs = resolve(model, y, model(X))
    assert [output.record.name for output in outputs] == ["first", "second"]
    assert {"first_loss", "second_loss"} == {output.loss_key for output in outputs}
    assert [m.key for m in outputs[1].record.metrics] == ["second_mse"]
    assert "second_mse" in history


def test_outputs_of_one_name_are_told_apart_as_keras_numbers_its_keys() -> None:
    left, right = keras.Input((7,)), keras.Input((7,))
    head, other = layers.Dense(1, name="head"), layers.Dense(1, name="head_1")
    model: Any = keras.Model([left, right], [head(left), head(right), other(left), head(left)])
    model.compile(loss=["mse"] * 4, metrics=[["mae"]] * 4)
    y = [REAL[:, :1]] * 4
    history = model.fit([X, X], y, verbose=0).history
    outputs = resolve(model, y, model([X, X]))
    names = [output.record.name for output in outputs]
    assert names == ["head", "head_2", "head_1", "head_3"]
    keys = [output.record.metrics[0].key for output in outputs]
    assert keys == ["head_mae", "head_mae_1", "head_1_mae", "head_mae_2"]
    # Keras prints the last loss of a name, under the name alone.
    assert [output.loss_key for output in outputs] == ["", "", "head_1_loss", "head_loss"]
    assert {*keys, "head_1_loss", "head_loss", "loss"} == set(history)


def test_an_unused_model_stays_unused() -> None:
    model = one_head()
    model.compile(loss="mse", metrics=["accuracy"])
    resolve(model, IDS, model(X))
    assert not model._compile_loss.built
    assert not model._compile_metrics.built


@pytest.mark.parametrize(
    ("outputs", "targets"), [("list", "list"), ("list", "dict"), ("dict", "dict")]
)
def test_values_are_split_as_keras_splits_them(outputs: str, targets: str) -> None:
    model = two_heads(outputs)
    model.compile(loss={"kind": "sparse_categorical_crossentropy", "box": "mse"})
    y: Any = {"kind": IDS, "box": REAL} if targets == "dict" else [IDS, REAL]
    predictions = model(X)
    resolved = resolve(model, y, predictions)
    weights = np.arange(8, dtype="float32")
    for output, (true, pred, weight) in zip(
        resolved, split_outputs(resolved, y, predictions, weights), strict=True
    ):
        assert np.array_equal(true, IDS if output.record.name == "kind" else REAL)
        assert pred.shape[-1] == (3 if output.record.name == "kind" else 4)
        assert weight is weights


def test_the_sum_of_the_split_losses_is_keras_total() -> None:
    model = two_heads("list")
    model.compile(loss=["sparse_categorical_crossentropy", "mse"])
    y, weights = [IDS, REAL], [np.linspace(0, 1, 8), np.ones(8)]
    predictions = model(X)
    total = model.compute_loss(None, [*map(keras.ops.convert_to_tensor, y)], predictions, weights)
    resolved = resolve(model, y, predictions)
    parts = split_outputs(resolved, y, predictions, weights)
    own = [o.loss_object(*part) for o, part in zip(resolved, parts, strict=True)]
    assert float(total) == pytest.approx(float(sum(own)), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MeanIoU", "mean_io_u"), ("AUC", "auc"), ("F1Score", "f1_score"), ("Recall", "recall")],
)
def test_names_are_spelled_as_keras_spells_them(name: str, expected: str) -> None:
    assert snake_case(name) == expected
    config = {"num_classes": 2} if name == "MeanIoU" else {}
    metric = keras.metrics.get({"class_name": expected, "config": config})
    assert type(metric).__name__ == name
