"""What is advised of redundant and unweighted metrics, with the numbers that prove it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossmon
from lossmon.records import EpochRecord, Finding, LossSpec, MetricSpec, OutputRecord
from lossmon.rules import Facts, OutputFacts, describe_labels, describe_weights, run_rules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("float32")
LABELS = RNG.integers(0, 2, (48, 1)).astype("float32")
WEIGHTS = np.linspace(0.0, 3.0, 48).astype("float32")


def advice(outputs: int, code: str, weights: Any = None, **compiled: Any) -> list[Finding]:
    """What `check` advises of a model of so many outputs, `a` and `b`."""
    given_to = keras.Input((4,))
    heads = [keras.layers.Dense(1, "sigmoid", name=name)(given_to) for name in "ab"[:outputs]]
    model: Any = keras.Model(given_to, heads if outputs > 1 else heads[0])
    model.compile(**compiled)
    y = LABELS if outputs == 1 else [LABELS, LABELS]
    return [f for f in lossmon.check(model, X, y, weights) if f.code == code]


def test_weights_that_an_accuracy_ignores_are_told_by_value() -> None:
    (finding,) = advice(1, "LM308", WEIGHTS, loss="binary_crossentropy", metrics=["accuracy"])
    assert finding.severity == "info"
    told = dict(finding.evidence)
    assert told.pop("weight_mean") == pytest.approx(1.5)
    assert told == {
        "metric": "accuracy",
        "weight_min": 0.0,
        "weight_max": 3.0,
        "weights_zero": 1,
        "weights_seen": 48,
    }
    assert "weights span 0 … 3 (48 seen, 1 of them 0, mean 1.5)" in finding.message


def test_each_output_is_told_its_own_weights() -> None:
    losses = {"loss": "binary_crossentropy", "metrics": [["accuracy"], ["accuracy"]]}
    found = advice(2, "LM308", [WEIGHTS, WEIGHTS + 1], **losses)
    spans = [(f.output, f.evidence["weight_min"], f.evidence["weight_max"]) for f in found]
    assert spans == [("a", 0.0, 3.0), ("b", 1.0, 4.0)]
    (only,) = advice(2, "LM308", [WEIGHTS, np.full(48, 2.0)], **losses)
    assert only.output == "a"


@pytest.mark.parametrize("same", [1.0, 0.25])
def test_equal_weights_change_no_accuracy(same: float) -> None:
    weights = np.full(48, same)
    assert advice(1, "LM308", weights, loss="binary_crossentropy", metrics=["accuracy"]) == []


def test_a_metric_that_repeats_the_loss_is_told_with_what_sets_nothing_apart() -> None:
    (finding,) = advice(1, "LM307", loss="mse", metrics=["mse"])
    assert finding.evidence == {
        "metric": "mse",
        "loss": "mean_squared_error",
        "arguments": {},
        "outputs": 1,
        "penalties": 0,
        "weighted_samples": 0,
        "samples": 48,
        "printed_loss": None,
        "printed_metric": None,
    }
    smooth = keras.losses.BinaryCrossentropy(label_smoothing=0.1)
    metric: Any = keras.metrics.BinaryCrossentropy
    same = metric(label_smoothing=0.1)
    (finding,) = advice(1, "LM307", loss=smooth, metrics=[same])
    assert finding.evidence["arguments"]["label_smoothing"] == pytest.approx(0.1)
    other = metric(label_smoothing=0.2)
    assert advice(1, "LM307", loss=smooth, metrics=[other]) == []
    assert advice(1, "LM307", WEIGHTS, loss="mse", metrics=["mse"]) == []
    assert advice(2, "LM307", loss="mse", metrics=[["mse"], ["mse"]]) == []


def repeated(loss: float, metric: float) -> list[Finding]:
    record = OutputRecord(
        None,
        shape=(None, 1),
        loss=LossSpec("mean_squared_error"),
        metrics=(MetricSpec("mse", "mean_squared_error"),),
    )
    facts = Facts((OutputFacts(record, describe_labels(LABELS), compiled_used=True),))
    epochs = [
        EpochRecord(i, "train", None, 0.0, reported_loss=loss / (i + 1), reported={"mse": metric})
        for i in range(2)
    ]
    return run_rules(replace(facts, penalties=False).after((), epochs), ["LM307"])


def test_what_was_printed_proves_it_or_ends_it() -> None:
    (finding,) = repeated(0.25, 0.25 * (1 + 1e-6))
    assert finding.evidence["printed_loss"] == 0.25
    assert finding.evidence["printed_metric"] == pytest.approx(0.25)
    assert "in the first epoch they were 0.25 and 0.25." in finding.message
    assert repeated(0.25, 0.26) == []


@given(st.lists(st.floats(0, 100), min_size=2, max_size=20), st.data())
def test_weights_of_batches_add_up(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    whole, first, rest = (describe_weights(v) for v in (values, values[:cut], values[cut:]))
    assert whole is not None
    assert first is not None
    assert rest is not None
    both = first.merge(rest)
    assert replace(both, total=whole.total) == whole
    assert both.total == pytest.approx(whole.total)
    assert describe_weights(None) is describe_weights([1.0, float("nan")]) is None
