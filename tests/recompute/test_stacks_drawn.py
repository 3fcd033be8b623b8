"""Drawn stacks of batches: weights, masks and shapes of every kind are those of each batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import evaluate_loss, evaluate_losses, evaluate_metric, evaluate_metrics
from lossmon.records import LossSpec, MetricSpec
from tests.recompute.batches import EAGER, Array, Batch, batches

REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]
LOSSES: list[tuple[LossSpec, str]] = [
    (LossSpec("mean_squared_error"), "real"),
    (LossSpec("cosine_similarity"), "real"),
    (LossSpec("hinge"), "margin"),
    (LossSpec("kl_divergence"), "classes-probabilities"),
    (LossSpec("binary_crossentropy", {"label_smoothing": 0.1}), "binary-probabilities"),
    (LossSpec("categorical_crossentropy", {"from_logits": True}), "classes-logits"),
    (LossSpec("sparse_categorical_crossentropy"), "ids-probabilities"),
    (LossSpec("sparse_categorical_crossentropy", {"ignore_class": 0}), "ids-logits"),
    (LossSpec("dice", {"axis": -1}), "binary-probabilities"),
]
METRICS: list[tuple[str, str]] = [
    ("binary_accuracy", "binary-probabilities"),
    ("categorical_accuracy", "classes-logits"),
    ("sparse_categorical_accuracy", "ids-probabilities"),
    ("top_k_categorical_accuracy", "classes-logits"),
    ("mean_absolute_error", "real"),
    ("sparse_categorical_crossentropy", "ids-probabilities"),
    ("squared_hinge", "margin"),
]


def stacked(batch: Batch, count: int, seed: int) -> Batch:
    """As many batches: the first as drawn, the others with its rows in other orders."""
    rng = np.random.default_rng(seed)
    orders = [np.arange(len(batch.y_true))]
    orders += [rng.permutation(len(batch.y_true)) for _ in range(count - 1)]

    def stack(values: Array) -> Array:
        return np.stack([values[order] for order in orders])

    # Masks and weights keep their places, so that each batch has its own number of valid rows.
    weight = None if batch.sample_weight is None else stack(batch.sample_weight)[::-1]
    mask = None if batch.mask is None else rng.random((count, *batch.mask.shape)) < 0.6
    return Batch(stack(batch.y_true), stack(batch.y_pred), weight, mask)


def each(stack: Batch) -> list[dict[str, Any]]:
    return [
        {
            "y_true": stack.y_true[index],
            "y_pred": stack.y_pred[index],
            "sample_weight": None if stack.sample_weight is None else stack.sample_weight[index],
            "mask": None if stack.mask is None else stack.mask[index],
        }
        for index in range(len(stack.y_true))
    ]


@pytest.mark.parametrize(("spec", "kind"), LOSSES)
@EAGER
@given(data=st.data(), reduction=st.sampled_from(REDUCTIONS), count=st.integers(1, 4))
def test_losses(spec: LossSpec, kind: str, reduction: str, count: int, data: st.DataObject) -> None:
    stack = stacked(data.draw(batches(kind)), count, data.draw(st.integers(0, 99)))
    spec = replace(spec, reduction=reduction)

    together = evaluate_losses(
        spec, stack.y_true, stack.y_pred, sample_weight=stack.sample_weight, mask=stack.mask
    )

    alone = [evaluate_loss(spec, **batch) for batch in each(stack)]
    # Terms of both signs may cancel, and a drift is a difference of sums: theirs is the scale.
    scale = 1e-15 * np.abs(together.elements).sum()
    np.testing.assert_allclose(together.values, [a.value for a in alone], 1e-15, scale)
    np.testing.assert_allclose(together.tolerances, [a.tolerance for a in alone], 1e-15, scale)
    np.testing.assert_allclose(together.elements, [a.elements for a in alone], 1e-15, 1e-15)


@pytest.mark.parametrize(("name", "kind"), METRICS)
@EAGER
@given(data=st.data(), count=st.integers(1, 4))
def test_metrics(name: str, kind: str, count: int, data: st.DataObject) -> None:
    stack = stacked(data.draw(batches(kind)), count, data.draw(st.integers(0, 99)))
    spec = MetricSpec("metric", name)

    together = evaluate_metrics(
        spec, stack.y_true, stack.y_pred, sample_weight=stack.sample_weight, mask=stack.mask
    )

    alone = [evaluate_metric(spec, **batch) for batch in each(stack)]
    assert together.near_ties.tolist() == [a.near_ties for a in alone]
    np.testing.assert_allclose(together.totals, [a.total for a in alone], 1e-15)
    np.testing.assert_allclose(together.counts, [a.count for a in alone], 1e-15)
    np.testing.assert_allclose(together.values, [a.value for a in alone], 1e-15)
    np.testing.assert_allclose(together.tolerances, [a.tolerance for a in alone], 1e-13)


@pytest.mark.parametrize("name", ["binary_accuracy", "mean_squared_error", "binary_crossentropy"])
def test_labels_without_the_last_axis_of_predictions(name: str) -> None:
    rng = np.random.default_rng(4)
    y_true, y_pred = rng.integers(0, 2, (3, 5)), rng.random((3, 5, 1), np.float32)
    spec = MetricSpec("metric", name)

    together = evaluate_metrics(spec, y_true, y_pred)

    alone = [evaluate_metric(spec, *batch) for batch in zip(y_true, y_pred, strict=True)]
    assert together.totals.tolist() == [a.total for a in alone]
    assert together.counts.tolist() == [a.count for a in alone]
