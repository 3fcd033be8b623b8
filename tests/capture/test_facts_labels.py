"""Labels as a model's facts tell them: masks, weights, inputs, several outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from lossmon.capture.facts import gather_facts
from lossmon.rules import OutputFacts, run_rules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 7)).astype("float32")


def compiled(units: int = 1, activation: str | None = None, **arguments: Any) -> Any:
    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(units, activation=activation)])
    model.compile(**({"loss": "mse"} | arguments))
    return model


def only(model: keras.Model, x: Any, y: Any, weight: Any = None) -> OutputFacts:
    (output,) = gather_facts(model, x, y, weight).outputs
    return output


@pytest.mark.parametrize(
    ("units", "labels", "kind"),
    [
        (1, np.arange(32) % 2, "binary"),
        (1, (np.arange(32) % 2).astype(bool)[:, None], "binary"),
        (1, (np.arange(32) % 2) * 2.0 - 1, "signed_binary"),
        (1, np.arange(32), "integers"),
        (1, np.linspace(0, 1, 32), "unit_interval"),
        (1, np.linspace(0, 9, 32), "continuous"),
        (5, (np.arange(32) % 5).astype("float32"), "class_ids"),
        (5, (np.arange(32) % 5).astype("uint8")[:, None], "class_ids"),
        (5, np.eye(5, dtype="int32")[np.arange(32) % 5], "one_hot"),
        (5, np.eye(5)[np.arange(32) % 5] * (np.arange(32) > 9)[:, None], "one_hot"),
        (5, np.eye(5)[np.arange(32) % 5] * 0.9 + 0.02, "soft"),
        (5, (RNG.random((32, 5)) < 0.5).astype("float32"), "multi_hot"),
        (5, RNG.random((32, 5)), "unit_interval"),
        (5, RNG.normal(size=(32, 5)), "continuous"),
    ],
)
def test_labels_are_judged_by_their_values(units: int, labels: np.ndarray, kind: str) -> None:
    assert only(compiled(units), X, labels).label_kind == kind


def test_labels_of_zero_weight_do_not_count() -> None:
    labels = np.arange(32) % 3
    labels[20:] = -1
    weight = (np.arange(32) < 20).astype("float32")
    model = compiled(3, "softmax", loss="sparse_categorical_crossentropy")
    assert [f.rule for f in run_rules(gather_facts(model, X, labels))] == ["labels-out-of-range"]
    assert run_rules(gather_facts(model, X, labels, weight)) == []


def test_labels_under_a_mask_do_not_count() -> None:
    tokens = RNG.integers(1, 9, (32, 6))
    tokens[:, 4:] = 0
    labels = RNG.integers(0, 5, (32, 6))
    labels[:, 4:] = -100
    model: Any = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy")
    output = only(model, tokens, labels)
    assert output.masked
    assert output.labels is not None
    assert (output.labels.minimum, output.labels.elements) == (0.0, 32 * 4)


def test_an_ignored_class_is_no_fault() -> None:
    labels = np.where(np.arange(32) % 4 == 3, 255, np.arange(32) % 3)
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    assert run_rules(gather_facts(compiled(3, "softmax", loss=loss), X, labels)) == []


def test_targets_that_are_the_input_are_a_reconstruction() -> None:
    assert only(compiled(7), X, X).reconstruction
    assert not only(compiled(7), X, X + 1).reconstruction


def test_a_custom_train_step_keeps_the_compiled_loss_out_of_judgement() -> None:
    class Own(keras.Model):
        def compute_loss(self, *_: Any, **__: Any) -> Any:
            return 0.0

    given = keras.Input((7,))
    model = Own(given, layers.Dense(3)(given))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    output = only(model, X, X[:, 0])
    assert output.compiled_used is False
    assert (output.loss, output.metrics) == (None, ())
    assert run_rules(gather_facts(model, X, X[:, 0])) == []


def test_penalties_are_seen() -> None:
    model: Any = keras.Sequential([keras.Input((7,)), layers.Dense(1, kernel_regularizer="l2")])
    model.compile(loss="mse")
    assert gather_facts(model, X, X[:, 0]).penalties is True
    assert gather_facts(compiled(), X, X[:, 0]).penalties is False


def test_later_batches_refine_the_labels() -> None:
    model = compiled(3, "softmax", loss="sparse_categorical_crossentropy")
    first = gather_facts(model, X, np.zeros(32, int))
    assert run_rules(first) == []
    both = first.merge(gather_facts(model, X, np.full(32, 7)))
    assert [finding.rule for finding in run_rules(both)] == ["labels-out-of-range"]


def test_strings_are_no_numbers() -> None:
    assert only(compiled(), X, np.array(["a", "b"] * 16)).labels is None
