"""The accuracy that was meant, beside the one that is printed."""

from __future__ import annotations

import numpy as np
import pytest
from keras import metrics

from lossmon.capture.facts import gather_facts
from lossmon.records import MetricSpec
from tests.rules.programs import BINARY_LOGITS, Program, ids, multi_hot, one_hot, reals


def meant(program: Program) -> MetricSpec | None:
    model = program.build()
    (output,) = gather_facts(model, program.inputs(), program.labels).outputs
    return output.record.intended_metric


def called(guesses: int, name: str) -> metrics.Metric:
    return metrics.TopKCategoricalAccuracy(k=guesses, name=name)


BINARY = "binary_crossentropy"
ARGMAX = "categorical_accuracy"
ROWS = "categorical_crossentropy"


@pytest.mark.parametrize(
    ("program", "name", "threshold"),
    [
        (Program(1, None, BINARY_LOGITS, ["accuracy"], ids(2)), "binary_accuracy", 0.0),
        (Program(6, None, BINARY_LOGITS, ["accuracy"], multi_hot(6)), "binary_accuracy", 0.0),
        (Program(6, "sigmoid", BINARY, ["accuracy"], multi_hot(6)), "binary_accuracy", 0.5),
        (Program(6, "softmax", ROWS, ["binary_accuracy"], one_hot(6)), ARGMAX, None),
        (Program(6, "softmax", ROWS, [metrics.Accuracy()], one_hot(6)), ARGMAX, None),
        (Program(6, "softmax", ROWS, [called(2, "acc")], one_hot(6)), ARGMAX, None),
        (Program(1, "sigmoid", BINARY, [metrics.Accuracy()], ids(2)), "binary_accuracy", 0.5),
        (
            Program(1, "sigmoid", BINARY, [metrics.BinaryAccuracy(threshold=0.0)], ids(2)),
            "binary_accuracy",
            0.5,
        ),
    ],
)
def test_the_meant_accuracy(program: Program, name: str, threshold: float | None) -> None:
    spec = meant(program)
    assert spec is not None
    assert (spec.name, spec.config.get("threshold")) == (name, threshold)
    assert spec.label.startswith("".join(word.title() for word in name.split("_")))


@pytest.mark.parametrize(
    "program",
    [
        Program(1, "sigmoid", BINARY, ["accuracy"], ids(2)),
        Program(1, "sigmoid", BINARY, [metrics.BinaryAccuracy(threshold=0.3)], ids(2)),
        Program(1, None, BINARY_LOGITS, [metrics.BinaryAccuracy(threshold=0.0)], ids(2)),
        Program(6, "softmax", "sparse_categorical_crossentropy", ["accuracy"], ids(6)),
        Program(1, None, "mse", ["accuracy"], reals(25, 346)),
        Program(1, None, "mse", ["mae"], ids(2)),
        Program(6, "softmax", ROWS, ["top_k_categorical_accuracy"], one_hot(6)),
        Program(6, "softmax", ROWS, [called(2, "top_2_accuracy")], one_hot(6)),
        Program(6, "softmax", ROWS, [called(1, "accuracy")], one_hot(6)),
    ],
)
def test_nothing_else_is_meant(program: Program) -> None:
    assert meant(program) is None


def test_a_least_squares_classifier_is_cut_where_it_should_be() -> None:
    assert meant(Program(1, None, "mse", ["accuracy"], np.arange(48) % 2)) is None
