"""`check`: any kind of data, nothing trained, nothing changed, never an exception of its own."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from lossmon.capture.check import check
from lossmon.errors import InvalidArgument

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 7)).astype("float32")
REAL = RNG.uniform(-2.5, 3.5, 96)


def seed_case(**arguments: Any) -> Any:
    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(1)])
    model.compile(
        **({"loss": "mean_squared_error", "optimizer": "sgd", "metrics": ["acc"]} | arguments)
    )
    return model


def rules(*arguments: Any, **keywords: Any) -> list[str]:
    return [finding.rule for finding in check(*arguments, **keywords)]


def test_the_seed_case_is_an_error_with_its_numbers() -> None:
    (finding,) = check(seed_case(), X, REAL)
    assert (finding.code, finding.severity, finding.output) == ("LM301", "error", None)
    assert finding.evidence["label_min"] == REAL.min()
    assert finding.evidence["label_distinct"] == 96
    assert "96 distinct values" in finding.message
    assert 'metrics=["mae"]' in finding.fix


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(32 * index, 32 * (index + 1))
        return X[part], REAL[part]


def test_every_kind_of_data_is_read() -> None:
    tf: Any = pytest.importorskip("tensorflow")

    dataset = tf.data.Dataset.from_tensor_slices((X, REAL)).batch(32)
    for data in ((X, REAL), (dataset,), (Batches(),), ([X], [REAL]), (X, REAL.tolist())):
        assert rules(seed_case(), *data) == ["accuracy-with-regression"]


def test_labels_of_later_batches_count() -> None:
    tf: Any = pytest.importorskip("tensorflow")

    ids = np.arange(96) // 24
    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(3, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    dataset = tf.data.Dataset.from_tensor_slices((X, ids)).batch(16)
    assert rules(model, dataset) == ["labels-out-of-range"]


def test_sorted_classes_in_batches_are_not_degenerate() -> None:
    tf: Any = pytest.importorskip("tensorflow")

    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    dataset = tf.data.Dataset.from_tensor_slices((X, np.arange(96) // 48)).batch(16)
    assert rules(model, dataset) == []
    assert rules(model, dataset.take(2)) == ["degenerate-labels"]


def test_a_generator_is_not_used_up() -> None:
    data = iter([(X, REAL)])
    with pytest.raises(InvalidArgument, match="more than once"):
        check(seed_case(), data)
    assert next(data)[0] is X


@pytest.mark.parametrize("model", [keras.Sequential([layers.Dense(1)]), "model", None])
def test_only_compiled_models_are_checked(model: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"compiled keras.Model.*Received.*Fix: model.compile"
    ):
        check(model, X, REAL)


def test_a_model_that_was_never_built_is_checked() -> None:
    model: Any = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    model.compile(loss="mse", metrics=["accuracy"])
    assert rules(model, X, REAL) == ["accuracy-with-regression"]


def test_nothing_is_trained_or_changed() -> None:
    model = seed_case(optimizer="adam")
    weights = [np.array(w) for w in model.get_weights()]
    check(model, X, REAL)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert not model.optimizer.built
    assert model.train_function is None


def test_checking_changes_no_later_training() -> None:
    def trained(*, checked: bool) -> list[np.ndarray]:
        keras.utils.set_random_seed(5)
        model: Any = keras.Sequential(
            [layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(1)]
        )
        model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        if checked:
            check(model, X, REAL)
        model.fit(X, REAL, epochs=2, verbose=0)
        return model.get_weights()

    for a, b in zip(trained(checked=False), trained(checked=True), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("units", "loss", "labels", "rule"),
    [
        (
            10,
            "sparse_categorical_crossentropy",
            np.eye(10)[np.arange(96) % 10],
            "label-encoding-mismatch",
        ),
        (10, "categorical_crossentropy", np.arange(96) % 10, "label-encoding-mismatch"),
        (31, "mse", RNG.random((96, 30)), "output-units-mismatch"),
        (1, "binary_crossentropy", np.eye(2)[np.arange(96) % 2], "label-encoding-mismatch"),
    ],
)
def test_what_keras_refuses_is_still_named(
    units: int, loss: str, labels: np.ndarray, rule: str
) -> None:
    activation = None if loss == "mse" else "sigmoid" if units == 1 else "softmax"
    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(units, activation=activation)])
    model.compile(loss=loss)
    assert rules(model, X[: len(labels)], labels) == [rule]


def test_a_model_that_cannot_be_called_is_said_so() -> None:
    with pytest.warns(RuntimeWarning, match="could not be called"):
        assert check(seed_case(metrics=None), X[:, :3], REAL) == []


def test_no_labels_and_no_loss() -> None:
    assert check(seed_case(loss=None, metrics=None), X) == []
    assert check(seed_case(), X) == []


def test_several_outputs_are_named() -> None:
    given = keras.Input((7,))
    heads = {"a": layers.Dense(1)(given), "b": layers.Dense(1, activation="sigmoid")(given)}
    model = keras.Model(given, heads)
    model.compile(
        loss={"a": "mse", "b": "binary_crossentropy"}, metrics={"a": ["acc"], "b": ["acc"]}
    )
    (finding,) = check(model, X, {"a": REAL, "b": np.arange(96) % 2})
    assert (finding.rule, finding.output) == ("accuracy-with-regression", "a")
    assert '{"a": ["mae"], "b": ["acc"]}' in finding.fix


def test_checking_is_quick() -> None:
    import time

    model = seed_case()
    check(model, X, REAL)
    start = time.perf_counter()
    check(model, np.repeat(X, 2000, axis=0), np.repeat(REAL, 2000))
    assert time.perf_counter() - start < 1.0


def test_a_failing_rule_is_told_and_silences_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossmon.rules.catalogue import labels_out_of_range

    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(labels_out_of_range, "check", broken)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert rules(seed_case(), X, REAL) == ["accuracy-with-regression"]
    assert any("LM201" in str(item.message) for item in told)
