from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon import recompute
from lossmon.errors import InvalidArgument
from lossmon.recompute import (
    Elements,
    UnknownDefinition,
    evaluate_loss,
    evaluate_metric,
    has_loss,
    has_metric,
    loss_elements,
)
from lossmon.records import LossSpec, MetricSpec

ZEROS = np.zeros((4, 1), dtype=np.float32)
TWOS = np.full((4, 1), 2.0, dtype=np.float32)


def fourth_power(y_true: Any, y_pred: Any) -> Any:
    return ((y_true - y_pred) ** 4).mean(axis=-1)


def test_public_names_are_what_is_there() -> None:
    assert sorted(recompute.__all__) == recompute.__all__
    assert all(hasattr(recompute, name) for name in recompute.__all__)


@pytest.mark.parametrize("alias", ["mse", "mae", "mape", "msle", "logcosh", "kld", "huber_loss"])
def test_short_names(alias: str) -> None:
    assert has_loss(alias)
    assert has_metric(alias)


def test_unknown_names_say_what_to_pass() -> None:
    assert not has_loss("focal_tversky")
    with pytest.raises(UnknownDefinition, match=r"`focal_tversky`; pass `losses=\{"):
        evaluate_loss(LossSpec("focal_tversky"), ZEROS, TWOS)
    with pytest.raises(LookupError, match=r"`auc`; pass `metrics=\{"):
        evaluate_metric(MetricSpec("auc", "auc"), ZEROS, TWOS)


def test_a_users_own_object_is_never_judged_by_its_name() -> None:
    own = MetricSpec("accuracy", "accuracy", custom=True)

    assert not has_metric("accuracy", custom=True)
    assert not has_loss("mean_squared_error", custom=True)
    with pytest.raises(UnknownDefinition):
        evaluate_metric(own, ZEROS, TWOS)
    with pytest.raises(UnknownDefinition):
        evaluate_loss(LossSpec("mean_squared_error", custom=True), ZEROS, TWOS)


def test_an_argument_that_the_definition_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownDefinition, match=r"\['delta'\]. Received: \['gamma'\]"):
        evaluate_loss(LossSpec("huber", {"gamma": 1.0}), ZEROS, TWOS)


def test_a_dtype_without_bounds_is_refused() -> None:
    with pytest.raises(UnknownDefinition, match="dtype='float16'"):
        evaluate_loss(LossSpec("mse", {"dtype": "float16"}), ZEROS, TWOS)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="reduction='median'"):
        evaluate_loss(LossSpec("mse", reduction="median"), ZEROS, TWOS)


def test_a_float64_loss_is_bounded_in_float64() -> None:
    targets = np.array([[1.0 / 3.0]])

    single = evaluate_loss(LossSpec("mse"), targets, TWOS[:1])
    double = evaluate_loss(LossSpec("mse", {"dtype": "float64"}), targets, TWOS[:1])

    assert double.value == pytest.approx((2.0 - 1.0 / 3.0) ** 2, rel=1e-15)
    assert double.tolerance < single.tolerance * 1e-8


def test_reduction_none_shows_the_mean_of_the_weighted_elements() -> None:
    evaluation = evaluate_loss(
        LossSpec("mse", reduction="none"), ZEROS, TWOS, sample_weight=[1, 0, 1, 0]
    )

    assert evaluation.value == 2.0
    np.testing.assert_array_equal(evaluation.elements, [4.0] * 4)
    np.testing.assert_array_equal(loss_elements(LossSpec("mse"), ZEROS, TWOS), [4.0] * 4)


def test_a_users_definition_is_used_and_compared_in_half_the_digits() -> None:
    spec = LossSpec("fourth_power", custom=True)
    extra = {"fourth_power": fourth_power}

    evaluation = evaluate_loss(spec, ZEROS, TWOS, extra=extra)

    assert has_loss("fourth_power", custom=True, extra=extra)
    assert evaluation.value == 16.0
    assert evaluation.agrees(16.0 * (1 + 1e-4))
    assert not evaluation.agrees(16.0 * (1 + 1e-2))


def test_one_spec_may_be_asked_of_several_definitions_and_backends() -> None:
    spec = LossSpec("mse")
    scores = np.array([[3.0, 1.0]], dtype=np.float32)
    sparse = LossSpec("sparse_categorical_crossentropy")

    for _ in range(2):
        assert evaluate_loss(spec, ZEROS, TWOS).value == 4.0
        assert evaluate_loss(spec, ZEROS, TWOS, extra={"mse": fourth_power}).value == 16.0
        on_jax = evaluate_loss(sparse, [1], scores, backend="jax").value
        assert evaluate_loss(sparse, [1], scores, backend="tensorflow").value != on_jax


def test_a_spec_made_anew_each_time_is_never_taken_for_another() -> None:
    for delta in np.linspace(0.1, 1.0, 600).tolist():
        expected = delta * 2.0 - 0.5 * delta**2
        value = evaluate_loss(LossSpec("huber", {"delta": delta}), ZEROS, TWOS).value
        assert value == pytest.approx(expected, rel=1e-6)


def test_a_users_definition_may_bring_its_own_bound() -> None:
    def bounded(y_true: Any, y_pred: Any) -> Elements:
        values = fourth_power(y_true, y_pred)
        return Elements(values, roundings=5.0 * values)

    spec = LossSpec("fourth_power", custom=True)

    evaluation = evaluate_loss(spec, ZEROS, TWOS, extra={"fourth_power": bounded})

    assert not evaluation.agrees(16.0 * (1 + 1e-5))


def test_a_users_metric() -> None:
    def within_three(y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_true - y_pred) < 3.0

    spec = MetricSpec("hits", "within_three", custom=True)

    value = evaluate_metric(spec, ZEROS, TWOS, extra={"within_three": within_three})

    assert (value.total, value.count, value.value) == (4.0, 4.0, 1.0)


@pytest.mark.parametrize(
    ("backend", "label", "expected"),
    [
        ("tensorflow", -1, np.nan),
        ("jax", -1, 0.0),
        ("jax", 7, 0.0),
        ("torch", 7, np.nan),
        ("torch", -100, 0.0),
    ],
)
def test_labels_that_name_no_class(backend: Any, label: int, expected: float) -> None:
    spec = LossSpec("sparse_categorical_crossentropy")

    value = evaluate_loss(spec, [label], [[0.5, 0.5]], backend=backend).value

    np.testing.assert_equal(value, expected)


def test_backends_renormalise_in_their_own_order() -> None:
    scores = np.array([[3.0, 1.0]], dtype=np.float32)
    spec = LossSpec("sparse_categorical_crossentropy")

    tensorflow = evaluate_loss(spec, [1], scores, backend="tensorflow").value
    jax = evaluate_loss(spec, [1], scores, backend="jax").value

    assert tensorflow == pytest.approx(np.log(2.0), rel=1e-6)
    assert jax == pytest.approx(np.log(4.0), rel=1e-6)


def test_evaluation_is_silent_and_leaves_its_inputs_alone() -> None:
    scores = np.array([[np.nan, np.inf], [-np.inf, 0.0]], dtype=np.float32)
    before = scores.copy()

    evaluate_loss(LossSpec("categorical_crossentropy"), np.eye(2), scores)
    evaluate_metric(MetricSpec("accuracy", "categorical_accuracy"), np.eye(2), scores)

    np.testing.assert_array_equal(scores, before)
