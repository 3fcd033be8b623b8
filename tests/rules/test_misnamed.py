"""Metrics that are called an accuracy and count something else (LM310)."""

from __future__ import annotations

from typing import Any, cast

import keras
import numpy as np
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
    assert 'SparseTopKCategoricalAccuracy(k=3, name="top_3_accuracy")' in finding.fix
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


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        (
            metrics.SparseTopKCategoricalAccuracy(k=cast(int, np.int64(3)), name="accuracy"),
            'keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top_3_accuracy")',
        ),
        (
            metrics.MeanMetricWrapper(
                metrics.sparse_top_k_categorical_accuracy, name="accuracy", k=2
            ),
            'keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top_2_accuracy")',
        ),
        (
            metrics.MeanMetricWrapper(keras.losses.sparse_categorical_crossentropy, name="acc"),
            '"sparse_categorical_crossentropy"',
        ),
    ],
)
def test_the_fix_keeps_what_the_metric_counts(metric: Any, code: str) -> None:
    (finding,) = found(classifier(metric))
    assert f"metrics=[{code}])" in finding.fix
    assert "np." not in finding.message
    model = classifier(metric).build()
    exec(finding.fix, {"keras": keras, "model": model})
    again = lossmon.check(model, classifier().inputs(), ids(6))
    assert [one.code for one in again if one.code == "LM310"] == []


def test_of_labels_that_it_does_not_read_another_rule_speaks_and_keeps_k() -> None:
    metric = metrics.TopKCategoricalAccuracy(k=3, name="accuracy")
    program = classifier(metric)
    findings = lossmon.check(program.build(), program.inputs(), program.labels)
    codes = {finding.code: finding.fix for finding in findings}
    assert "LM310" not in codes
    assert 'SparseTopKCategoricalAccuracy(k=3, name="accuracy")' in codes["LM202"]


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
        # Each is the share of rows whose largest output is right.
        Program(6, "softmax", ROWS, [metrics.F1Score("micro", name="accuracy")], one_hot(6)),
        Program(6, "softmax", ROWS, [metrics.Precision(top_k=1, name="accuracy")], one_hot(6)),
    ],
)
def test_what_is_an_accuracy_or_not_called_one_is_no_finding(program: Program) -> None:
    assert found(program) == []
