from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.recompute import evaluate_loss, evaluate_losses, evaluate_metric, evaluate_metrics
from lossmon.records import LossSpec, MetricSpec
from tests.recompute.batches import Array, sigmoid, softmax

REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]
LOSSES: list[tuple[str, dict[str, Any], str]] = [
    ("mean_squared_error", {}, "real"),
    ("mse", {}, "column"),
    ("hinge", {}, "real"),
    ("huber", {"delta": 0.2}, "real"),
    ("binary_crossentropy", {"from_logits": True}, "binary"),
    ("binary_crossentropy", {"axis": 0}, "binary"),
    ("categorical_crossentropy", {"label_smoothing": 0.1}, "one_hot"),
    ("sparse_categorical_crossentropy", {}, "ids"),
    ("sparse_categorical_crossentropy", {"ignore_class": 1}, "ids"),
    ("dice", {}, "binary"),
    ("binary_focal_crossentropy", {}, "binary"),
]
METRICS: list[tuple[str, str]] = [
    ("binary_accuracy", "binary"),
    ("categorical_accuracy", "one_hot"),
    ("sparse_categorical_accuracy", "ids"),
    ("sparse_top_k_categorical_accuracy", "ids"),
    ("mean_absolute_error", "real"),
    ("mean_squared_error", "flat"),
]


def stack(kind: str, rows: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(rows)
    scores = rng.normal(size=(5, rows, 6)).astype(np.float32)
    scores[0, 0, :2] = 0.5
    ids = rng.integers(0, 6, (5, rows))
    return {
        "real": (rng.normal(size=scores.shape), scores),
        "column": (rng.normal(size=scores.shape[:2]), scores[..., :1]),
        "flat": (rng.normal(size=scores.shape[:2]), scores[..., 0]),
        "binary": (rng.integers(0, 2, scores.shape), sigmoid(scores)),
        "one_hot": (np.eye(6)[ids], softmax(scores)),
        "ids": (ids, softmax(scores)),
    }[kind]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", ["none", "weights", "column", "mask"])
@pytest.mark.parametrize(("name", "config", "kind"), LOSSES)
def test_stacked_losses_are_those_of_each_batch(
    name: str, config: dict[str, Any], kind: str, form: str, reduction: str
) -> None:
    y_true, y_pred = stack(kind, 90)
    shape = (5, 6) if config.get("axis") == 0 else (5, 90)
    weight = None if form in ("none", "mask") else np.random.default_rng(1).random(shape)
    weight = weight[..., None] if weight is not None and form == "column" else weight
    mask = np.random.default_rng(2).random(shape) < 0.6 if form == "mask" else None
    if name == "dice":
        weight = mask = None
    spec = LossSpec(name, config, reduction)

    together = evaluate_losses(spec, y_true, y_pred, sample_weight=weight, mask=mask)

    assert together.values.shape == together.tolerances.shape == (5,)
    for index in range(5):
        alone = evaluate_loss(
            spec,
            y_true[index],
            y_pred[index],
            sample_weight=None if weight is None else weight[index],
            mask=None if mask is None else mask[index],
        )
        assert together.values[index] == pytest.approx(alone.value, rel=1e-15)
        assert together.tolerances[index] == pytest.approx(alone.tolerance, rel=1e-15)
        np.testing.assert_allclose(together.elements[index], alone.elements, rtol=1e-15)
        if together.weights is not None:
            np.testing.assert_array_equal(together.weights[index], alone.weights)


@pytest.mark.parametrize("rows", [7, 90])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "kind"), METRICS)
def test_stacked_metrics_are_those_of_each_batch(
    name: str, kind: str, weighted: bool, rows: int
) -> None:
    y_true, y_pred = stack(kind, rows)
    weight = np.random.default_rng(1).random((5, rows)) if weighted and kind != "flat" else None
    spec = MetricSpec("m", name)

    together = evaluate_metrics(spec, y_true, y_pred, sample_weight=weight)

    for index in range(5):
        alone = evaluate_metric(
            spec,
            y_true[index],
            y_pred[index],
            sample_weight=None if weight is None else weight[index],
        )
        assert together.counts[index] == alone.count
        assert together.near_ties[index] == alone.near_ties
        assert together.totals[index] == pytest.approx(alone.total, rel=1e-15)
        assert together.tolerances[index] == pytest.approx(alone.tolerance, rel=1e-15)


def test_labels_that_broadcast_across_rows_do_so_in_each_batch() -> None:
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 4)).astype(np.float32)
    spec = LossSpec("mse")

    together = evaluate_losses(spec, y_true, y_pred)

    alone = [evaluate_loss(spec, y_true[index], y_pred[index]).value for index in range(3)]
    assert together.values.tolist() == alone


def test_a_users_definition_sees_one_batch_at_a_time() -> None:
    seen: list[tuple[int, ...]] = []

    def own(y_true: Array, y_pred: Array) -> Array:
        seen.append(y_pred.shape)
        return np.abs(y_true - y_pred).mean(axis=-1)

    y_true, y_pred = stack("real", 4)

    evaluate_losses(LossSpec("mse"), y_true, y_pred, extra={"mse": own})

    assert seen == [(4, 6)] * 5


def test_each_batch_agrees_as_it_does_alone() -> None:
    y_true, y_pred = np.zeros((6, 2, 1)), np.ones((6, 2, 1), dtype=np.float32)
    y_pred[3], y_pred[4], y_pred[5] = np.nan, np.inf, 2e19
    spec = LossSpec("mse", reduction="sum")
    reported = [2.0, 2.0 * (1 + 1e-5), np.inf, np.nan, np.inf, np.inf]

    together = evaluate_losses(spec, y_true, y_pred)

    alone = [
        evaluate_loss(spec, y_true[index], y_pred[index]).agrees(value)
        for index, value in enumerate(reported)
    ]
    assert together.agrees(reported).tolist() == alone == [True, False, False, True, True, True]


def test_counts_are_as_exact_as_the_sum_of_their_weights() -> None:
    """Sums of fractions are rounded in float32, in whatever order; whole numbers are not."""
    rng = np.random.default_rng(0)
    spec = MetricSpec("metric", "binary_accuracy")
    labels, scores = np.ones((50, 40, 1)), rng.random((50, 40, 1))
    for weight in (None, rng.integers(0, 3, (50, 40))):
        found = evaluate_metrics(spec, labels, scores, sample_weight=weight)
        assert not found.count_tolerances.any()
    weight = rng.gamma(1.0, size=(50, 40)).astype(np.float32)
    found = evaluate_metrics(spec, labels, scores, sample_weight=weight)
    plain = [np.add.accumulate(row, dtype=np.float32)[-1] for row in weight]
    errors = np.abs(found.counts - np.asarray(plain, dtype=np.float64))
    assert (errors <= found.count_tolerances).all()
    assert found.count_tolerances.max() < 1e-6 * found.counts.max()
