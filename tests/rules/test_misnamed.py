"""Metrics that are called an accuracy and count something else (LM310)."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from keras import metrics

import lossmon
from lossmon.records import Finding
from tests.rules.programs import Program, ids, one_hot

SPARSE, ROWS = "sparse_categorical_crossentropy", "categorical_crossentropy"


def found(program: Program) -> list[Finding]:
    findings = lossmon.check(program.build(), program.inputs(), program.labels)
    return [finding for finding in findings if finding.code == "LM310"]


def classifier(*measured: Any) -> Program:
    return Program(6, "softmax", SPARSE, list(measured), ids(6))


def test_a_top_k_accuracy_that_is_called_accuracy_is_told_with_what_a_guess_scores() -> None:
    (finding,) = found(classifier(metrics.SparseTopKCategoricalAccuracy(k=3, name="accuracy")))
    assert finding.severity == "warning"
    assert "3 largest of 6 outputs" in finding.message
    assert "a random guess scores 50.0%" in finding.message
    assert 'SparseTopKCategoricalAccuracy(name="top_3_accuracy", k=3)' in finding.fix
    assert finding.evidence == {
        "metric": "accuracy",
        "resolved": "SparseTopKCategoricalAccuracy(k=3)",
        "guesses": 3,
        "is_accuracy": True,
        "accuracy_of_guessing": 0.5,
    }


def test_another_metric_that_is_called_accuracy_is_told_by_what_it_is() -> None:
    program = Program(1, "sigmoid", "binary_crossentropy", [metrics.Precision(name="Acc")], ids(2))
    (finding,) = found(program)
    assert "'Acc' is Precision(" in finding.message
    assert 'Precision(name="precision")' in finding.fix
    assert finding.evidence["guesses"] is None


def test_beside_a_true_accuracy_it_is_not_the_accuracy_that_is_misread() -> None:
    (finding,) = found(classifier("accuracy", metrics.SparseTopKCategoricalAccuracy(name="acc")))
    assert finding.evidence["is_accuracy"] is False
    assert '"accuracy", keras.metrics.SparseTopK' in finding.fix


def test_an_output_of_several_has_its_name_before_that_of_the_metric() -> None:
    program = classifier()
    inputs = keras.Input(program.inputs().shape[1:])
    heads = {name: keras.layers.Dense(6, "softmax", name=name)(inputs) for name in ("one", "two")}
    model = keras.Model(inputs, heads)
    wrong = metrics.SparseTopKCategoricalAccuracy(k=2, name="accuracy")
    model.compile(loss={"one": SPARSE, "two": SPARSE}, metrics={"one": "accuracy", "two": wrong})
    findings = lossmon.check(model, program.inputs(), dict.fromkeys(heads, program.labels))
    assert [(f.code, f.output) for f in findings if f.code == "LM310"] == [("LM310", "two")]


def own(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_pred), axis=-1)


@pytest.mark.parametrize(
    "program",
    [
        classifier("accuracy"),
        classifier("acc"),
        classifier(metrics.SparseCategoricalAccuracy(name="acc")),
        classifier(metrics.SparseTopKCategoricalAccuracy(k=1, name="accuracy")),
        classifier(metrics.SparseTopKCategoricalAccuracy(k=3, name="top_3_accuracy")),
        classifier(metrics.SparseTopKCategoricalAccuracy(k=3)),
        classifier(metrics.MeanMetricWrapper(own, name="accuracy")),
        Program(6, "softmax", ROWS, [metrics.CategoricalAccuracy(name="accuracy")], one_hot(6)),
    ],
)
def test_what_is_an_accuracy_or_not_called_one_is_no_finding(program: Program) -> None:
    assert found(program) == []
