from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lossmon.recompute import concordance_correlation, evaluate_metric, pearson_correlation
from lossmon.records import MetricSpec
from tests.recompute.batches import EAGER, Array

METRICS = [
    ("PearsonCorrelation", "pearson_correlation"),
    ("ConcordanceCorrelation", "concordance_correlation"),
]
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int) -> tuple[Array, Array, Array | None]:
    """Targets and predictions that share something, far from 0 or close to it, and weights."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 20)), int(rng.integers(4, 40)))
    y_true = rng.normal(size=shape) * rng.choice([0.1, 1.0, 30.0]) + rng.choice([0.0, 5.0])
    y_pred = rng.choice([0.0, 0.9, -2.0]) * y_true + rng.normal(size=shape)
    return y_true, y_pred.astype(np.float32), rng.random(shape[0]) if seed % 2 else None


@pytest.mark.parametrize(("name", "key"), METRICS)
@EAGER
@given(seed=SEEDS, axis=st.sampled_from([-1, 1, (-1,)]))
def test_correlations_are_keras_own_within_rounding(
    name: str, key: str, seed: int, axis: Any
) -> None:
    y_true, y_pred, weight = drawn(seed)
    metric = getattr(keras.metrics, name)(axis=axis)
    metric.update_state(y_true, y_pred, sample_weight=weight)
    expected = float(metric.result())

    value = evaluate_metric(
        MetricSpec(key, key, metric.get_config()), y_true, y_pred, sample_weight=weight
    )

    assert value.agrees(expected), (expected, value)
    assert value.tolerance < 1e-3


def test_correlations_of_others() -> None:
    y_true, y_pred, _ = drawn(4)
    pred = y_pred.astype(np.float64)
    covariance = ((y_true - y_true.mean(-1, keepdims=True)) * pred).mean(-1)
    apart = (y_true.mean(-1) - pred.mean(-1)) ** 2
    concordance = 2.0 * covariance / (y_true.var(-1) + pred.var(-1) + apart + 1e-7)

    for row, found in enumerate(pearson_correlation(y_true, pred)):
        assert found == pytest.approx(stats.pearsonr(y_true[row], pred[row])[0], rel=1e-9)
    np.testing.assert_allclose(concordance_correlation(y_true, pred), concordance, rtol=1e-9)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    assert np.isnan(pearson_correlation([[1.0, 1.0]], [[0.0, 1.0]])).all()
    assert concordance_correlation([[1.0, 1.0]], [[0.0, 1.0]]).tolist() == [0.0]
