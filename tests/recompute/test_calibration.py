from __future__ import annotations

import math

import numpy as np
import pytest

from lossmon.errors import InvalidArgument
from lossmon.recompute import (
    are_probabilities,
    expected_calibration_error,
    judge,
    reliability,
)
from tests.recompute.batches import softmax


def test_bins_are_open_below_and_closed_above() -> None:
    confidence = [0.0, 1e-9, 0.25, 0.2500001, 1.0]

    assert reliability(confidence, [True] * 5, bins=4).weight.tolist() == [3.0, 1.0, 0.0, 1.0]


def test_rows_leave_out_empty_bins_and_weigh() -> None:
    rows = reliability([0.75, 1.0], [True, False], weights=[3.0, 1.0], bins=2).rows()

    assert rows == [{"low": 0.5, "high": 1.0, "count": 4.0, "confidence": 0.8125, "accuracy": 0.75}]


def test_expected_calibration_error_of_a_perfectly_calibrated_model() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1.0, size=200_000)

    calibrated = reliability(confidence, rng.random(confidence.size) < confidence)
    overconfident = reliability(confidence, rng.random(confidence.size) < confidence - 0.2)

    assert expected_calibration_error(calibrated) < 0.01
    assert expected_calibration_error(overconfident) == pytest.approx(0.2, abs=0.01)


def test_nan_confidences_are_left_out_and_nothing_is_nan() -> None:
    histogram = reliability([math.nan, 0.75], [False, True], bins=1)

    assert histogram.weight.tolist() == [1.0]
    assert math.isnan(expected_calibration_error(reliability([], [])))


def test_bins_must_be_positive() -> None:
    with pytest.raises(InvalidArgument, match="bins=0"):
        reliability([0.5], [True], bins=0)


def test_judging_classes() -> None:
    scores = np.log([[[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]])

    for labels in ([[1, 1]], [[[1], [1]]], [[[0, 1, 0], [0, 1, 0]]]):
        verdict = judge(labels, scores, from_logits=True)
        assert verdict.correct.tolist() == [True, False]
        assert verdict.predicted.tolist() == [1, 0]
        assert verdict.label.tolist() == [1, 1]
        np.testing.assert_allclose(verdict.confidence, [0.7, 0.6])


def test_judging_binary_outputs() -> None:
    for labels in ([1, 0, 1], [[1], [0], [1]]):
        verdict = judge(labels, [[2.0], [1.0], [-3.0]], from_logits=True, binary=True)
        assert verdict.correct.tolist() == [True, False, False]
        np.testing.assert_allclose(verdict.confidence, 1 / (1 + np.exp([-2.0, -1.0, -3.0])))


def test_the_confidence_of_what_is_no_probability_is_not_known() -> None:
    rows = [[0.2, 0.8], [0.9, 0.8], [-1.0, 2.0], [np.nan, 1.0], [0.501, 0.502]]
    for dtype in (np.float16, np.float32, np.float64):
        shares = np.array(rows, dtype)
        assert are_probabilities(shares).tolist() == [True, False, False, False, True]
        verdict = judge([1, 0, 1, 1, 1], shares)
        assert np.isnan(verdict.confidence).tolist() == [False, True, True, True, False]
        assert verdict.correct[:3].tolist() == [True, True, True]
    bits = judge([[1.0], [1.0], [0.0]], [[0.7], [3.0], [-2.0]], binary=True)
    assert np.isnan(bits.confidence).tolist() == [False, True, True]
    assert bits.correct.all()


def test_half_precision_over_many_classes_is_a_probability() -> None:
    scores = np.random.default_rng(0).normal(0, 4, (64, 30_000))
    assert are_probabilities(softmax(scores).astype(np.float16)).all()
