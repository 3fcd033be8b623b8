"""A first batch that is not like the rest makes no rule speak, and hides no fault for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture.first_look import CERTAIN_SAMPLES
from tests.capture.conftest import features

BATCH = 32
N = CERTAIN_SAMPLES + 8 * BATCH
X = features(N)
RNG = np.random.default_rng(3)
SEVERAL = (RNG.random((N, 6)) < 0.4).astype("float32")
ONE_EACH = np.eye(6, dtype="float32")[np.arange(N) % 6]
FIRST = np.arange(N) < BATCH

# Activation, loss and metrics.
CLASSIFIER = ("sigmoid", "binary_crossentropy", ["binary_accuracy"])
AUTOENCODER = ("sigmoid", "binary_crossentropy", ["mse"])
REGRESSION = (None, "mse", ["mae"])

Fit = Callable[..., Any]


def as_arrays(model: Any, y: Any, **arguments: Any) -> Any:
    return model.fit(X, y, batch_size=BATCH, shuffle=False, **arguments)


def as_batches(model: Any, y: Any, **arguments: Any) -> Any:
    def batches() -> Any:
        while True:
            for start in range(0, N, BATCH):
                yield X[start : start + BATCH], y[start : start + BATCH]

    return model.fit(batches(), steps_per_epoch=N // BATCH, shuffle=False, **arguments)


both = pytest.mark.parametrize("fit", [as_arrays, as_batches])


def compiled(units: int, activation: str | None, loss: Any, metrics: Any) -> Any:
    keras.utils.set_random_seed(1)
    model: Any = keras.Sequential([keras.Input((6,)), keras.layers.Dense(units, activation)])
    model.compile("sgd", loss, metrics=metrics)
    return model


def recorded(fit: Fit, model: Any, y: Any, path: Path, **options: Any) -> dict[str, Any]:
    db = path / "runs.db"
    monitor = lossmon.Monitor(db, **options)
    fit(model, y, epochs=2, verbose=0, callbacks=[monitor])
    return lossmon.open_store(db).run_document("latest")


def codes(document: dict[str, Any]) -> list[str]:
    return [found["code"] for found in document["findings"] if found["severity"] != "info"]


@both
@pytest.mark.parametrize(
    ("labels", "head"),
    [
        (np.where(FIRST[:, None], ONE_EACH, SEVERAL), CLASSIFIER),
        (np.where(FIRST[:, None], ONE_EACH, RNG.random((N, 6))), AUTOENCODER),
        (np.where(FIRST[:, None], 0.0, SEVERAL), CLASSIFIER),
        (np.where(FIRST[:, None], ONE_EACH, RNG.normal(size=(N, 6))), REGRESSION),
    ],
    ids=["one label each", "whole pixels", "no label", "zeros and ones"],
)
def test_a_first_batch_by_chance_says_nothing(
    fit: Fit, labels: Any, head: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = recorded(fit, compiled(6, *head), labels, tmp_path)
    assert codes(document) == []
    assert "LM" not in capsys.readouterr().err
    assert {row["intended_accuracy"] for row in document["epochs"]} == {None}
    assert {row["intended_exact_match"] for row in document["epochs"]} == {None}
    assert {row["status"] for row in document["epochs"]} == {"verified"}


@both
@pytest.mark.parametrize("verify", ["auto", "off"])
def test_what_all_labels_show_is_said_once(
    fit: Fit, verify: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = compiled(6, "sigmoid", "binary_crossentropy", ["binary_accuracy"])
    document = recorded(fit, model, ONE_EACH, tmp_path, verify=verify)
    assert codes(document) == ["LM108", "LM306"]
    said = capsys.readouterr().err
    assert [said.count("LM108 binary"), said.count("LM306 element")] == [1, 1]
    if fit is as_arrays:
        assert f"all {N} label rows" in " ".join(said.split())


@both
def test_a_regression_that_begins_with_classes_is_no_classifier(
    fit: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.where(FIRST, np.arange(N) % 2, RNG.normal(size=N))
    document = recorded(fit, compiled(1, None, "mse", ["accuracy"]), labels, tmp_path)
    assert codes(document) == ["LM301"]
    assert "LM111" not in capsys.readouterr().err


def test_all_arrays_are_looked_at_before_the_first_step(tmp_path: Path) -> None:
    labels = np.where(FIRST[:, None], ONE_EACH, SEVERAL)
    model = compiled(6, "sigmoid", "binary_crossentropy", ["accuracy"])
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(lossmon.InvalidCombination, match="LM305"):
        recorded(as_arrays, model, labels, tmp_path, strict=True)
    after = model.get_weights()
    assert all(map(np.array_equal, before, after))


def test_another_accuracy_that_all_labels_show_is_computed_from_the_next_epoch(
    tmp_path: Path,
) -> None:
    labels = np.where(FIRST[:, None], ONE_EACH, SEVERAL)
    model = compiled(6, "sigmoid", "binary_crossentropy", ["accuracy"])
    document = recorded(as_batches, model, labels, tmp_path)
    assert codes(document) == ["LM305"]
    (output,) = document["outputs"]
    assert output["intended_metric"] == "BinaryAccuracy(threshold=0.5)"
    first, second = (row["intended_accuracy"] for row in document["epochs"])
    assert first is None
    right = (model.predict(X, verbose=0) > 0.5) == (labels == 1)
    assert second == pytest.approx(right.mean(), abs=0.05)


@pytest.mark.parametrize("samples", [4 * BATCH, N])
def test_an_accuracy_that_turns_out_right_is_not_called_misread(
    samples: int, tmp_path: Path
) -> None:
    labels = np.where(FIRST[:, None], ONE_EACH, SEVERAL)

    def few(model: Any, y: Any, **arguments: Any) -> Any:
        batches = ((X[i : i + BATCH], y[i : i + BATCH]) for i in [*range(0, samples, BATCH)] * 2)
        steps = samples // BATCH
        return model.fit(batches, steps_per_epoch=steps, shuffle=False, **arguments)

    document = recorded(few, compiled(6, *CLASSIFIER), labels, tmp_path)
    assert [output["intended_metric"] for output in document["outputs"]] == [None]
    assert {row["intended_accuracy"] for row in document["epochs"]} == {None}
    told = " ".join(sentence for row in document["epochs"] for sentence in row["reconciliation"])
    assert "meant" not in told


def test_labels_that_weights_leave_out_do_not_count(tmp_path: Path) -> None:
    ids = np.where(np.arange(N) % 8 == 7, 9, np.arange(N) % 6)
    model = compiled(6, "softmax", "sparse_categorical_crossentropy", ["accuracy"])

    def weighted(model: Any, y: Any, **arguments: Any) -> Any:
        weight = (y < 6).astype("float32")
        return as_arrays(model, np.where(y < 6, y, 0), sample_weight=weight, **arguments)

    assert codes(recorded(weighted, model, ids, tmp_path)) == []
