"""The dtypes of metrics: more digits are recomputed, fewer are refused, counts may be whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.specs import loss_spec, metric_spec
from lossmon.recompute import UnknownDefinition, accumulator, evaluate_loss
from lossmon.records import MetricSpec
from tests.recompute.batches import Array, Batch
from tests.recompute.test_metric_arguments import BACKEND, METRICS, both, drawn

# What Keras keeps in float32 whatever the metric's dtype, or counts in it.
COUNTED = {"AUC", "R2Score", "Precision", "PrecisionAtRecall", "Recall", "RecallAtPrecision"} | {
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "FalseNegatives",
    "FalsePositives",
    "TrueNegatives",
    "TruePositives",
}
UNIONS = sorted(name for name in METRICS if name.endswith("IoU"))
# TensorFlow has no float64 for these.
SINGLE_ONLY = {"SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy"}


in_double = pytest.mark.skipif(BACKEND == "jax", reason="JAX has no float64 unless asked for it")


def _wider(batch: Batch) -> Batch:
    """Digits that float32 does not hold, on both sides."""
    rng = np.random.default_rng(3)

    def cast(side: Array) -> Array:
        if side.dtype != np.float32:
            return side
        # Labels of 0 and 1 stay what they are.
        return side.astype(np.float64) * (1.0 + 1e-9 * rng.random())

    weight = batch.sample_weight
    return replace(
        batch,
        y_true=batch.y_true.astype(np.float64) if batch.y_true.dtype.kind == "f" else batch.y_true,
        y_pred=cast(batch.y_pred),
        sample_weight=None if weight is None else cast(weight),
    )


@in_double
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(set(METRICS) - set(UNIONS) - SINGLE_ONLY))
def test_a_metric_of_more_digits_is_recomputed(name: str, weighted: bool) -> None:
    batches = [_wider(b) for b in drawn(name, {}, weighted=weighted, masked=False)]

    expected, mine = both(name, {"dtype": "float64"}, batches)

    value, tolerance = np.asarray(mine.value()), np.asarray(mine.tolerance())
    assert (np.abs(value - expected) <= tolerance).all()
    # Unless Keras keeps float32 sums beneath it.
    digits = 1e-6 if name in COUNTED else 1e-12
    assert value == pytest.approx(expected, rel=digits)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_fewer_digits_is_refused(name: str, dtype: str) -> None:
    metric = getattr(keras.metrics, name)(**METRICS[name].needed, dtype=dtype)

    with pytest.raises(UnknownDefinition) as refusal:
        accumulator(metric_spec(metric, name, weighted=False, alias=None), backend=BACKEND)

    assert f"Received: dtype='{dtype}'. Fix: leave the metric's `dtype`" in str(refusal.value)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", UNIONS)
def test_unions_are_counted_in_any_wide_dtype(name: str, weighted: bool, dtype: str) -> None:
    batches = drawn(name, {}, weighted=weighted, masked=False)

    expected, mine = both(name, {"dtype": dtype}, batches)

    assert np.abs(np.asarray(mine.value()) - expected) <= np.asarray(mine.tolerance())
    assert mine.value() == pytest.approx(float(expected), rel=2e-7)


@pytest.mark.parametrize("name", ["precision", "mean_squared_error", "root_mean_squared_error"])
def test_other_metrics_are_not_defined_in_whole_numbers(name: str) -> None:
    with pytest.raises(UnknownDefinition, match="Received: dtype='int32'"):
        accumulator(MetricSpec("own", name, {"dtype": "int32"}))


class OwnLoss(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class OwnMetric(keras.metrics.MeanMetricWrapper):
    def __init__(self, dtype: str | None = None) -> None:
        super().__init__(own_distance, name="own", dtype=dtype)


def own_distance(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def _squares(y_true: Array, y_pred: Array) -> Array:
    return np.square(y_true - y_pred).mean(axis=-1)


def _distances(y_true: Array, y_pred: Array) -> Array:
    return np.abs(y_true - y_pred).mean(axis=-1)


@in_double
def test_a_users_own_objects_keep_their_dtype() -> None:
    assert dict(loss_spec(OwnLoss(dtype="float64")).config) == {"dtype": "float64"}
    assert dict(loss_spec(OwnLoss()).config) == {}
    own = metric_spec(OwnMetric("float64"), "own", weighted=False, alias=None)
    assert own.custom
    assert dict(own.config) == {"dtype": "float64"}


@in_double
def test_a_users_own_loss_of_more_digits_is_recomputed_in_them() -> None:
    y_true, y_pred = np.array([[1.0 + 1e-9], [2.0]]), np.array([[1.0], [2.0 - 1e-9]])
    loss: Any = OwnLoss(dtype="float64")

    found = evaluate_loss(loss_spec(loss), y_true, y_pred, extra={"OwnLoss": _squares})

    assert found.value == pytest.approx(float(loss(y_true, y_pred)), rel=1e-12)
    assert found.value > 0.0


@in_double
def test_a_users_own_metric_of_more_digits_is_recomputed_in_them() -> None:
    y_true, y_pred = np.array([[1.0 + 1e-9], [2.0]]), np.array([[1.0], [2.0 - 1e-9]])
    metric: Any = OwnMetric("float64")
    metric.update_state(y_true, y_pred)
    spec = metric_spec(metric, "own", weighted=False, alias=None)
    mine = accumulator(spec, extra={spec.name: _distances})
    mine.add(y_true, y_pred)

    assert mine.value() == pytest.approx(float(metric.result()), rel=1e-12)
    assert mine.value() == pytest.approx(1e-9, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_users_own_objects_of_fewer_digits_are_refused(dtype: str) -> None:
    values: Array = np.ones((2, 1), dtype=np.float32)
    refused = f"Received: dtype='{dtype}'"

    with pytest.raises(UnknownDefinition, match=refused):
        evaluate_loss(loss_spec(OwnLoss(dtype=dtype)), values, values, extra={"OwnLoss": _squares})
    spec = metric_spec(OwnMetric(dtype), "own", weighted=False, alias=None)
    with pytest.raises(UnknownDefinition, match=refused):
        accumulator(spec, extra={spec.name: _distances})
