from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.recompute import evaluate_loss, evaluate_metric, expected_calibration_error
from lossmon.recompute import reliability as histogram
from lossmon.records import LossSpec, MetricSpec
from tests.recompute.batches import EAGER, Batch, batches

SUM = LossSpec("sparse_categorical_crossentropy", {"from_logits": True}, "sum")
ACCURACY = MetricSpec("accuracy", "sparse_categorical_accuracy")


@EAGER
@given(batch=batches("ids-logits", weighted=False), data=st.data())
def test_splitting_a_batch_changes_nothing(batch: Batch, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(batch.y_true)))
    parts = [(batch.y_true[:cut], batch.y_pred[:cut]), (batch.y_true[cut:], batch.y_pred[cut:])]
    parts = [part for part in parts if len(part[0])]

    whole = evaluate_loss(SUM, batch.y_true, batch.y_pred)
    losses = [evaluate_loss(SUM, *part) for part in parts]
    metric = evaluate_metric(ACCURACY, batch.y_true, batch.y_pred)
    metrics = [evaluate_metric(ACCURACY, *part) for part in parts]

    assert sum(part.value for part in losses) == pytest.approx(whole.value, rel=1e-12)
    assert sum(part.total for part in metrics) == pytest.approx(metric.total, rel=1e-12)
    assert sum(part.count for part in metrics) == metric.count


@EAGER
@given(batch=batches("ids-logits", weighted=False), data=st.data())
def test_weight_zero_is_absence(batch: Batch, data: st.DataObject) -> None:
    y_true, y_pred = batch.y_true.ravel(), batch.y_pred.reshape(-1, batch.y_pred.shape[-1])
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(y_true), max_size=len(y_true))))
    if not kept.any():
        kept[0] = True

    for reduction in ("sum", "mean_with_sample_weight"):
        spec = LossSpec(SUM.name, SUM.config, reduction)
        weighted = evaluate_loss(spec, y_true, y_pred, sample_weight=kept)
        alone = evaluate_loss(spec, y_true[kept], y_pred[kept])
        assert weighted.value == pytest.approx(alone.value, rel=1e-12, abs=1e-300)
    metric = evaluate_metric(ACCURACY, y_true, y_pred, sample_weight=kept)
    assert metric.value == evaluate_metric(ACCURACY, y_true[kept], y_pred[kept]).value


@EAGER
@given(batch=batches("ids-logits", weighted=False), data=st.data())
def test_a_mask_leaves_the_mean_of_what_it_keeps(batch: Batch, data: st.DataObject) -> None:
    y_true, y_pred = batch.y_true.ravel(), batch.y_pred.reshape(-1, batch.y_pred.shape[-1])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(y_true), max_size=len(y_true))))
    spec = LossSpec(SUM.name, SUM.config)

    masked = evaluate_loss(spec, y_true, y_pred, mask=mask)

    if mask.any():
        expected = evaluate_loss(spec, y_true[mask], y_pred[mask]).value
        assert masked.value == pytest.approx(expected, rel=1e-12, abs=1e-300)
    else:
        assert masked.value == 0.0


@EAGER
@given(
    confidence=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60),
    cut=st.integers(0, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_histograms_of_parts_add_up(confidence: list[float], cut: int, seed: int) -> None:
    correct = np.random.default_rng(seed).random(len(confidence)) < 0.5

    whole = histogram(confidence, correct)
    parts = histogram(confidence[:cut], correct[:cut]) + histogram(confidence[cut:], correct[cut:])

    np.testing.assert_allclose(parts.weight, whole.weight)
    np.testing.assert_allclose(parts.confidence, whole.confidence)
    np.testing.assert_allclose(parts.correct, whole.correct)
    assert 0.0 <= expected_calibration_error(whole) <= 1.0
