"""Losses under another `keras.config.epsilon()`, told by `config["epsilon"]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.recompute import accumulator, evaluate_loss, evaluate_metric
from lossmon.records import LossSpec, MetricSpec
from tests.recompute.batches import Array, softmax

BACKEND: Any = keras.backend.backend()
RNG = np.random.default_rng(6)
IDS: Array = RNG.integers(0, 4, 40)
ONE_HOT: Array = np.eye(4, dtype=np.float32)[IDS]
PROBABILITIES: Array = softmax(RNG.normal(size=(40, 4)) * 4.0)
SMALL: Array = (0.1 * RNG.random((40, 4))).astype(np.float32)


@pytest.fixture(params=[1e-2, 1e-5])
def epsilon(request: pytest.FixtureRequest) -> Iterator[float]:
    before = keras.config.epsilon()
    keras.config.set_epsilon(request.param)
    yield request.param
    keras.config.set_epsilon(before)


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred"),
    [
        ("BinaryCrossentropy", ONE_HOT, PROBABILITIES),
        ("BinaryFocalCrossentropy", ONE_HOT, PROBABILITIES),
        ("CategoricalCrossentropy", ONE_HOT, PROBABILITIES),
        ("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES),
        ("SparseCategoricalCrossentropy", IDS, PROBABILITIES),
        ("KLDivergence", ONE_HOT, PROBABILITIES),
        ("MeanAbsolutePercentageError", SMALL * SMALL, SMALL),
        ("MeanSquaredLogarithmicError", SMALL, SMALL[::-1]),
        ("Poisson", ONE_HOT, SMALL),
        ("Dice", SMALL, SMALL[::-1]),
        ("Tversky", SMALL, SMALL[::-1]),
        ("MeanSquaredError", SMALL, SMALL[::-1]),
    ],
)
def test_losses(name: str, y_true: Array, y_pred: Array, epsilon: float) -> None:
    loss = getattr(keras.losses, name)()
    expected = float(loss(y_true, keras.ops.convert_to_tensor(y_pred)))

    evaluation = evaluate_loss(
        LossSpec(loss.name, {"epsilon": epsilon}), y_true, y_pred, backend=BACKEND
    )

    assert evaluation.agrees(expected), (expected, evaluation.value, evaluation.tolerance)
    assert evaluation.tolerance < 1e-4 * max(abs(expected), 1.0)


@pytest.mark.parametrize(
    ("name", "key", "config"),
    [
        ("AUC", "auc", {}),
        ("F1Score", "f1_score", {}),
        ("OneHotMeanIoU", "one_hot_mean_io_u", {"num_classes": 4}),
    ],
)
def test_metrics_that_keep_more_than_a_mean(
    name: str, key: str, config: dict[str, Any], epsilon: float
) -> None:
    metric = getattr(keras.metrics, name)(**config)
    metric.update_state(ONE_HOT, PROBABILITIES)
    mine = accumulator(MetricSpec("m", key, {**metric.get_config(), "epsilon": epsilon}))

    mine.add(ONE_HOT, PROBABILITIES)

    gap = np.abs(np.asarray(mine.value()) - keras.ops.convert_to_numpy(metric.result()))
    assert (gap <= np.asarray(mine.tolerance())).all()


def test_concordance(epsilon: float) -> None:
    metric: Any = keras.metrics.ConcordanceCorrelation()
    metric.update_state(SMALL, SMALL[::-1])
    spec = MetricSpec("m", "concordance_correlation", {"epsilon": epsilon})

    value = evaluate_metric(spec, SMALL, SMALL[::-1])

    assert value.agrees(float(metric.result()))
