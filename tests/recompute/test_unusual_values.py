"""Values that are infinite, too large or without a spread: no verdict but the right one."""

from __future__ import annotations

from typing import Any, cast

import keras
import numpy as np
import pytest

from lossmon.capture.specs import loss_spec, metric_spec
from lossmon.recompute import Accumulator, accumulator, evaluate_loss
from tests.recompute.batches import Array
from tests.recompute.test_metric_arguments import BACKEND

# What climate data holds where nothing was measured: its square is beyond float32.
FILL = np.float32(1e20)
SCORES = np.array([[0.25], [-1.5], [0.5], [2.0]], dtype=np.float32)


def _said(loss: Any, y_true: Any, y_pred: Any, **given: Any) -> float:
    return float(np.asarray(keras.ops.convert_to_numpy(loss(y_true, y_pred, **given))))


def _both(metric: Any, *batch: Any) -> tuple[float, Accumulator]:
    weighted = len(batch) > 2
    mine = accumulator(metric_spec(metric, "m", weighted=weighted, alias=None), backend=BACKEND)
    metric.update_state(*batch)
    mine.add(*batch)
    return float(metric.result()), mine


def test_a_fill_value_that_weighs_nothing_is_still_not_a_number() -> None:
    y_true = np.array([[0.5], [FILL], [1.0], [2.0]], dtype=np.float32)
    weights = np.array([1.0, 0.0, 1.0, 1.0], dtype=np.float32)
    loss = keras.losses.MeanSquaredError()

    found = evaluate_loss(loss_spec(loss), y_true, SCORES, sample_weight=weights, backend=BACKEND)
    printed, mine = _both(keras.metrics.MeanSquaredError(), y_true, SCORES, weights)

    assert np.isnan(_said(loss, y_true, SCORES, sample_weight=weights))
    assert np.isnan([found.value, printed, float(mine.value())]).all()


def test_a_fill_value_within_range_weighs_nothing() -> None:
    y_true = np.array([[0.5], [1e15], [1.0], [2.0]], dtype=np.float32)
    weights = np.array([1.0, 0.0, 1.0, 1.0], dtype=np.float32)
    loss = keras.losses.MeanSquaredError()

    found = evaluate_loss(loss_spec(loss), y_true, SCORES, sample_weight=weights, backend=BACKEND)

    assert found.value == pytest.approx(0.078125)
    assert found.agrees(_said(loss, y_true, SCORES, sample_weight=weights))
    assert found.tolerance <= 1e-6


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge"])
@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_an_infinite_score_leaves_margins_certain(name: str, infinite: float) -> None:
    y_true = np.array([[1.0], [-1.0], [1.0], [1.0]], dtype=np.float32)
    y_pred = SCORES.copy()
    y_pred[1] = infinite
    loss = getattr(keras.losses, name)()

    found = evaluate_loss(loss_spec(loss), y_true, y_pred, backend=BACKEND)

    assert found.agrees(_said(loss, y_true, y_pred))
    # On the right side of the margin it costs nothing, and hides no error of the others.
    assert np.isposinf(found.value) if infinite > 0.0 else found.tolerance <= 1e-6


def test_a_huge_margin_hides_no_error_of_others() -> None:
    y_true = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    y_pred = np.array([[1e30, 1.0], [0.5, 0.25]], dtype=np.float32)
    loss = keras.losses.CategoricalHinge()

    found = evaluate_loss(loss_spec(loss), y_true, y_pred, backend=BACKEND)

    assert found.agrees(_said(loss, y_true, y_pred))
    assert found.tolerance <= 1e-5


def test_an_embedding_that_is_not_a_number_is_not_lost() -> None:
    ids = np.array([0, 0, 1, 1])
    vectors: Array = np.eye(4, dtype=np.float32)
    vectors[3] = np.nan
    loss = keras.losses.Circle()

    found = evaluate_loss(loss_spec(loss), ids, vectors, backend=BACKEND)

    assert np.isnan(_said(loss, ids, vectors))
    assert np.isnan(found.value)


def test_poisson_as_a_metric_pairs_a_column_with_every_target() -> None:
    counts = np.array([0.0, 1.0, 3.0, 2.0], dtype=np.float32)
    means = np.array([[0.5], [1.5], [2.5], [1.0]], dtype=np.float32)

    expected, mine = _both(keras.metrics.Poisson(), counts, means)
    beside, _ = _both(keras.metrics.Poisson(), counts[:, None], means)

    assert mine.value() == pytest.approx(expected, rel=1e-6)
    assert abs(expected - beside) > 0.1


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
def test_targets_without_spread_have_no_certain_score(aggregation: str | None) -> None:
    targets = np.full((17, 1), 0.12573022, dtype=np.float32)
    guesses = np.random.default_rng(0).normal(size=(17, 1)).astype(np.float32)
    metric = keras.metrics.R2Score(class_aggregation=cast(Any, aggregation))
    mine = accumulator(metric_spec(metric, "r2", weighted=False, alias=None), backend=BACKEND)
    mine.add(targets, guesses)

    assert np.isinf(mine.tolerance()).all()
    mine.add(targets + 1.0, guesses)
    assert (np.asarray(mine.tolerance()) < 1e-4).all()


def test_whole_weights_are_counted_exactly() -> None:
    truth = np.array([1.0, 0.0, 0.0, 1.0], dtype=np.float32)
    chances = np.array([0.9, 0.8, 0.3, 0.2], dtype=np.float32)
    weights = np.array([2.0, 2.0, 3.0, 3.0], dtype=np.float32)
    metric = keras.metrics.RecallAtPrecision(0.5)

    # All are found where the precision is 0.5 on the dot.
    expected, mine = _both(metric, truth, chances, weights)

    assert mine.value() == pytest.approx(expected)
    assert float(mine.tolerance()) <= 1e-6


def test_an_infinite_class_id_is_no_near_tie() -> None:
    expected, mine = _both(keras.metrics.Accuracy(), np.array([[0.0]]), np.array([[-np.inf]]))

    assert mine.value() == expected == 0.0
    assert float(mine.tolerance()) <= 1e-6


@pytest.mark.parametrize("name", ["MeanSquaredError", "RootMeanSquaredError"])
def test_sums_beyond_float32_pass_without_a_warning(name: str) -> None:
    scores = np.full((4, 1), 1e19, dtype=np.float32)
    mine = accumulator(
        metric_spec(getattr(keras.metrics, name)(), "m", weighted=False, alias=None),
        backend=BACKEND,
    )
    for _ in range(2):
        mine.add(np.zeros((4, 1), dtype=np.float32), scores)
    assert float(mine.value()) == pytest.approx(1e38 if name == "MeanSquaredError" else 1e19)
    assert mine.tolerance() == np.inf
