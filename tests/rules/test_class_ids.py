"""Whole numbers from 0 on are class ids or amounts: the fixes take neither for the other."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import lossmon
from lossmon.records import Finding

X = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
IDS = np.arange(200) % 10
SPARSE = "sparse_categorical_crossentropy"


def compiled(units: int, activation: str | None, metrics: list[Any] | None) -> Any:
    model: Any = keras.Sequential([keras.Input((6,)), layers.Dense(units, activation)])
    model.compile(optimizer="sgd", loss="mse", metrics=metrics)
    return model


def found(model: Any, y: Any = IDS) -> dict[str, Finding]:
    return {finding.code: finding for finding in lossmon.check(model, X, y)}


def accuracy_finding(y: Any) -> Finding:
    return found(compiled(1, None, ["accuracy"]), y)["LM301"]


@pytest.mark.parametrize(
    ("activation", "metrics"), [("softmax", ["accuracy"]), (None, ["accuracy"]), ("softmax", None)]
)
def test_a_classifier_of_ids_stays_one(activation: str | None, metrics: list[Any] | None) -> None:
    model = compiled(10, activation, metrics)
    findings = found(model)
    assert {"LM113"} <= set(findings) <= {"LM113", "LM111"}
    assert len({finding.fix for finding in findings.values()}) == 1
    assert "class ids of its 10 units" in findings["LM113"].message
    exec(findings["LM113"].fix, {"model": model, "keras": keras})
    assert found(model) == {}
    assert model.output_shape == (None, 10)


def test_scores_that_nothing_shows_to_be_of_classes_have_two_ways_out() -> None:
    fix = found(compiled(10, None, None))["LM113"].fix
    assert "SparseCategoricalCrossentropy(from_logits=True)" in fix
    assert "keras.layers.Dense(1)" in fix


@pytest.mark.parametrize("y", [IDS + 1, IDS * 1.5, -IDS])
def test_other_numbers_are_no_ids_of_the_units(y: Any) -> None:
    assert found(compiled(10, "softmax", None), y)["LM113"].fix == "keras.layers.Dense(1)"


def test_a_regression_on_ids_is_told_both_ways_out() -> None:
    finding = accuracy_finding(IDS)
    assert "class ids?" in finding.message
    assert finding.evidence["may_be_class_ids"] is True
    amounts, _, layer, call = finding.fix.splitlines()
    assert 'metrics=["mae"]' in amounts
    assert amounts.endswith("# if the targets are amounts")
    assert layer == '# keras.layers.Dense(10, activation="softmax")'
    model = compiled(10, "softmax", ["accuracy"])
    exec(call.removeprefix("# "), {"keras": keras, "model": model})
    assert model.loss == SPARSE
    assert found(model) == {}


@pytest.mark.parametrize(
    "y", [IDS + 1, IDS * 2, IDS * 0.5, np.arange(200), np.where(IDS == 4, 5, IDS)]
)
def test_other_amounts_are_not_taken_for_ids(y: Any) -> None:
    finding = accuracy_finding(y)
    assert "class ids" not in finding.message + finding.fix


def test_counts_without_an_accuracy_are_silent() -> None:
    assert found(compiled(1, None, ["mae"]), np.random.default_rng(1).poisson(3.0, 200)) == {}


def test_a_first_batch_need_not_hold_every_class(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = compiled(1, None, ["accuracy"])
    y = np.r_[np.where(IDS == 4, 5, IDS)[:32], IDS[32:]]
    model.fit(X, y, verbose=0, shuffle=False, callbacks=[lossmon.Monitor(tmp_path / "a.db")])
    assert "are these whole numbers class ids?" in " ".join(capsys.readouterr().err.split())


def test_a_metric_that_takes_rows_is_told_apart_from_the_loss_that_takes_ids() -> None:
    model = compiled(10, "softmax", ["categorical_accuracy"])
    model.compile(loss=SPARSE, metrics=["categorical_accuracy"])
    evidence = found(model)["LM202"].evidence
    assert (evidence["metric"], evidence["is_accuracy"]) == ("categorical_accuracy", True)
    model.compile(loss=SPARSE, metrics=["accuracy", keras.metrics.AUC(name="area")])
    evidence = found(model)["LM202"].evidence
    assert (evidence["metric"], evidence["is_accuracy"]) == ("area", False)
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    assert "metric" not in found(model)["LM202"].evidence
