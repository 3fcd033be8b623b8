"""Faults put into valid programs are named, with the numbers that prove them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, losses, metrics

import lossmon
from lossmon.records import Finding
from tests.rules.programs import (
    BINARY_LOGITS,
    SPARSE_LOGITS,
    Hidden,
    Program,
    ids,
    multi_hot,
    one_hot,
    reals,
)


def flagged(program: Program, *, hidden: bool = False) -> list[Finding]:
    found = lossmon.check(program.build(hidden=hidden), program.inputs(), program.labels)
    return [finding for finding in found if finding.severity != "info"]


def named(program: Program, *, hidden: bool = False) -> set[str]:
    return {finding.rule for finding in flagged(program, hidden=hidden)}


SPARSE = "sparse_categorical_crossentropy"
ROWS = "categorical_crossentropy"
BINARY = "binary_crossentropy"
SHIFTED = ids(6) + 1
FAULTS: list[tuple[Program, set[str]]] = [
    (Program(6, None, SPARSE, ["accuracy"], ids(6)), {"missing-output-activation"}),
    (Program(1, None, BINARY, ["accuracy"], ids(2)), {"missing-output-activation"}),
    (Program(6, None, "kl_divergence", None, one_hot(6)), {"missing-output-activation"}),
    (Program(6, "softmax", SPARSE_LOGITS, ["acc"], ids(6)), {"activation-applied-twice"}),
    (Program(1, "sigmoid", BINARY_LOGITS, None, ids(2)), {"activation-applied-twice"}),
    (Program(1, "softmax", "mse", None, ids(2)), {"softmax-over-one-unit"}),
    (Program(1, "sigmoid", SPARSE, None, ids(2)), {"categorical-loss-on-one-unit"}),
    (Program(6, "sigmoid", SPARSE, ["acc"], ids(6)), {"sigmoid-with-categorical-loss"}),
    (Program(1, "tanh", BINARY, ["acc"], ids(2)), {"invalid-probability-output"}),
    (Program(6, "elu", SPARSE, ["acc"], ids(6)), {"invalid-probability-output"}),
    (Program(6, "softmax", ROWS, None, multi_hot(6)), {"softmax-for-multilabel"}),
    (Program(6, "sigmoid", BINARY, None, one_hot(6)), {"binary-loss-for-multiclass"}),
    (Program(1, "sigmoid", "mse", None, reals(0, 40)), {"output-range-misses-targets"}),
    (Program(1, "relu", "mae", None, reals(-4, 4)), {"output-range-misses-targets"}),
    (
        Program(1, None, BINARY, None, reals(-3, 9)),
        {"classification-loss-on-continuous-targets"},
    ),
    (
        Program(6, "softmax", SPARSE, None, reals(0, 5)),
        {"classification-loss-on-continuous-targets"},
    ),
    (
        Program(1, None, "hinge", None, reals(-9, 9)),
        {"classification-loss-on-continuous-targets"},
    ),
    (Program(6, "softmax", SPARSE, ["acc"], SHIFTED), {"labels-out-of-range"}),
    (Program(6, "softmax", SPARSE, None, ids(6) - 1), {"labels-out-of-range"}),
    (Program(1, "sigmoid", BINARY, None, ids(2) * 255), {"labels-out-of-range"}),
    (Program(1, None, "hinge", None, ids(5)), {"labels-out-of-range"}),
    (Program(1, None, "poisson", None, reals(-4, 9)), {"labels-out-of-range"}),
    (Program(6, "softmax", SPARSE, None, ids(6) / 255), {"label-encoding-mismatch"}),
    (Program(6, "softmax", ROWS, None, one_hot(6) * 30), {"labels-not-a-distribution"}),
    (Program(1, "sigmoid", BINARY, ["acc"], np.ones(40)), {"degenerate-labels"}),
    (
        Program(6, "softmax", ROWS, ["acc"], one_hot(6) * (np.arange(48) == 9)[:, None]),
        {"degenerate-labels"},
    ),
    (Program(1, None, "mae", ["accuracy"], reals(25, 346)), {"accuracy-with-regression"}),
    (Program(4, None, "mse", ["accuracy"], reals(-1, 1, 4)), {"accuracy-with-regression"}),
    (Program(1, None, "mse", ["acc"], ids(30)), {"accuracy-with-regression"}),
    (
        Program(3, "sigmoid", BINARY, ["accuracy"], reals(0, 1, 3)),
        {"accuracy-with-regression"},
    ),
    (Program(1, None, BINARY_LOGITS, ["acc"], ids(2)), {"accuracy-threshold-on-logits"}),
    (Program(1, None, BINARY_LOGITS, ["AUC"], ids(2)), {"probability-metric-on-logits"}),
    (
        Program(1, None, BINARY_LOGITS, [metrics.Precision(), metrics.Recall()], ids(2)),
        {"probability-metric-on-logits"},
    ),
    (
        Program(6, None, SPARSE_LOGITS, ["sparse_categorical_crossentropy"], ids(6)),
        {"probability-metric-on-logits"},
    ),
    (
        Program(6, "softmax", ROWS, [metrics.Accuracy()], one_hot(6)),
        {"exact-match-metric-on-probabilities"},
    ),
    (
        Program(1, "sigmoid", BINARY, [metrics.MeanIoU(num_classes=2)], ids(2)),
        {"exact-match-metric-on-probabilities"},
    ),
    (Program(6, "sigmoid", BINARY, ["acc"], multi_hot(6)), {"accuracy-alias-mismatch"}),
    (Program(1, None, "hinge", ["acc"], ids(2) * 2 - 1), {"accuracy-alias-mismatch"}),
    (
        Program(6, "softmax", ROWS, ["binary_accuracy"], one_hot(6)),
        {"elementwise-accuracy-inflated"},
    ),
    (
        Program(6, "softmax", SPARSE, ["categorical_accuracy"], ids(6)[:, None]),
        {"label-encoding-mismatch"},
    ),
    (
        Program(6, "softmax", ROWS, [metrics.MeanIoU(6, sparse_y_pred=False)], one_hot(6)),
        {"label-encoding-mismatch"},
    ),
]


@pytest.mark.parametrize(("program", "rules"), FAULTS, ids=[str(i) for i in range(len(FAULTS))])
def test_a_fault_is_named(program: Program, rules: set[str]) -> None:
    assert named(program) == rules


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        (Program(6, "softmax", SPARSE_LOGITS, None, ids(6)), "activation-applied-twice"),
        (Program(1, "sigmoid", BINARY_LOGITS, None, ids(2)), "activation-applied-twice"),
        (Program(6, "sigmoid", SPARSE, None, ids(6)), "sigmoid-with-categorical-loss"),
        (Program(1, "tanh", BINARY, None, ids(2)), "invalid-probability-output"),
        (Program(1, "sigmoid", "mse", None, reals(0, 40)), "output-range-misses-targets"),
    ],
)
def test_faults_do_not_hide_behind_layers(program: Program, rule: str) -> None:
    assert named(program, hidden=True) == {rule}


def check_stack(*stack: Any, loss: Any, labels: np.ndarray) -> list[str]:
    model = keras.Sequential([keras.Input((5,)), *stack])
    model.compile(loss=loss)
    x = np.random.default_rng(0).normal(size=(len(labels), 5))
    return [finding.rule for finding in lossmon.check(model, x, labels)]


def test_a_softmax_over_one_unit_that_no_layer_shows() -> None:
    def share(values: Any) -> Any:
        powers = keras.ops.exp(values - keras.ops.max(values, axis=-1, keepdims=True))
        return powers / keras.ops.sum(powers, axis=-1, keepdims=True)

    stack = (layers.Dense(1), Hidden(share))
    assert check_stack(*stack, loss=BINARY, labels=ids(2)) == ["softmax-over-one-unit"]


def test_two_sigmoids_and_two_softmaxes_in_a_row() -> None:
    sigmoids = (layers.Dense(1, activation="sigmoid"), layers.Activation("sigmoid"))
    assert check_stack(*sigmoids, loss=BINARY, labels=ids(2)) == ["activation-applied-twice"]
    softmaxes = (layers.Dense(4, activation="softmax"), Hidden(keras.ops.softmax))
    assert check_stack(*softmaxes, loss=SPARSE, labels=ids(4)) == ["activation-applied-twice"]
    hidden = (layers.Dense(4, activation="softmax"), layers.Dense(4, activation="softmax"))
    assert check_stack(*hidden, loss=SPARSE, labels=ids(4)) == []


@pytest.mark.parametrize(
    ("output", "labels", "rule"),
    [
        ((1,), (30,), "output-target-broadcast"),
        ((6,), (1,), "output-target-broadcast"),
        ((6, 1), (), "output-target-broadcast"),
        ((6, 1), (6,), None),
        ((1,), (), None),
        ((), (1,), None),
        ((4,), (5,), "output-units-mismatch"),
        ((6, 2), (6,), "output-units-mismatch"),
    ],
)
def test_shapes_of_targets_and_outputs(
    output: tuple[int, ...], labels: tuple[int, ...], rule: str | None
) -> None:
    head = layers.Dense(int(np.prod(output, dtype=int)))
    found = check_stack(head, layers.Reshape(output), loss="mse", labels=reals(-9, 9, *labels))
    assert found == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("metric", "loss", "low"),
    [
        ("hinge", "hinge", -1),
        ("squared_hinge", "hinge", -1),
        (keras.metrics.CategoricalHinge(), "hinge", -1),
        ("kl_divergence", "mse", 0),
        ("poisson", "poisson", 0),
    ],
)
def test_a_metric_that_pairs_all_targets_with_all_predictions(
    metric: Any, loss: str, low: int
) -> None:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1, activation="softplus")])
    model.compile(loss=loss, metrics=[metric])
    x = np.random.default_rng(0).normal(size=(48, 5))
    y = np.where(ids(2) > 0, 1.0, low) if low else reals(1, 9)

    found = [f for f in lossmon.check(model, x, y) if f.rule == "output-target-broadcast"]
    (finding,) = found
    assert "compares every target with every prediction" in finding.message
    assert finding.fix == "y = y.reshape(-1, 1)"
    fixed = lossmon.check(model, x, y.reshape(-1, 1))
    assert "output-target-broadcast" not in [f.rule for f in fixed]


def test_metrics_that_fit_ranks_are_left_alone() -> None:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae", "mape", keras.metrics.RootMeanSquaredError()])
    x = np.random.default_rng(0).normal(size=(48, 5))
    assert lossmon.check(model, x, reals(1, 9)) == []


def test_an_accuracy_over_the_batch_axis() -> None:
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(1, activation="sigmoid"), layers.Reshape(())]
    )
    model.compile(loss=BINARY, metrics=["accuracy"])
    (finding,) = lossmon.check(model, np.random.normal(size=(48, 5)), ids(2))
    assert finding.rule == "accuracy-alias-mismatch"
    assert "whole batch" in finding.message


def test_each_output_is_judged_by_itself() -> None:
    given = keras.Input((5,))
    heads = [layers.Dense(1, name="value")(given), layers.Dense(4, name="kind")(given)]
    model = keras.Model(given, heads)
    model.compile(loss=["mse", SPARSE], metrics=[["mae"], ["accuracy"]])
    x = np.random.default_rng(0).normal(size=(48, 5))
    (finding,) = lossmon.check(model, x, [reals(0, 9), ids(4)])
    assert (finding.rule, finding.output) == ("missing-output-activation", "kind")
    assert finding.fix.count('loss=["mse", keras.losses.SparseCategoricalCrossentropy(') == 1


def test_one_finding_for_all_metrics_of_a_kind() -> None:
    both = [metrics.AUC(name="auc"), metrics.Recall(name="recall")]
    found = flagged(Program(1, None, BINARY_LOGITS, both, ids(2)))
    assert [f.evidence["metrics"] for f in found] == [["auc", "recall"]]
    assert 'AUC(from_logits=True, name="auc"), keras.metrics.Recall(thresholds=0.0' in found[0].fix


@pytest.mark.parametrize(
    ("labels", "fix"),
    [
        (ids(6) + 1, "y = y - 1"),
        (np.where(ids(6) == 5, -1, ids(6)), "ignore_class=-1"),
        (ids(9), "keras.layers.Dense(9)"),
    ],
)
def test_the_fix_depends_on_what_is_wrong(labels: np.ndarray, fix: str) -> None:
    (finding,) = flagged(Program(6, "softmax", SPARSE, None, labels))
    assert fix in finding.fix


def test_targets_that_overshoot_on_purpose_are_left_alone() -> None:
    noisy = np.clip(ids(2) + reals(-0.05, 0.05), -0.05, 1.05)
    assert named(Program(1, "sigmoid", BINARY, None, noisy)) == set()
    assert named(Program(1, "sigmoid", losses.BinaryFocalCrossentropy(), None, noisy)) == set()
