"""Calibration against closed forms, scikit-learn and simulation."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from lossmon import recompute
from lossmon.analysis.calibration import (
    brier,
    calibration_error,
    calibration_gap,
    reliability_diagram,
    squared_calibration_error,
)
from lossmon.analysis.temperature import fit_temperature, is_uniform
from lossmon.errors import InvalidArgument


def forecasts(seed: int, count: int, sharpening: float = 1.0) -> tuple[Any, Any]:
    """Forecasts of class 1 that are calibrated but for a factor on their log-odds."""
    rng = np.random.default_rng(seed)
    odds = 1.5 * rng.normal(size=count)
    outcome = (rng.random(count) < special.expit(odds)).astype(int)
    return special.expit(sharpening * odds), outcome


def test_diagram_of_equal_width_is_scikit_learn_s() -> None:
    probability, outcome = forecasts(0, 2000)
    found = reliability_diagram(probability, outcome, bins=10)
    share, mean = calibration_curve(outcome, probability, n_bins=10, strategy="uniform")
    np.testing.assert_allclose([band.accuracy for band in found], share)
    np.testing.assert_allclose([band.confidence for band in found], mean)
    assert all(band.interval[0] < band.accuracy < band.interval[1] for band in found)


def test_diagram_of_equal_mass_has_as_many_in_each_bin() -> None:
    found = reliability_diagram(*forecasts(0, 2000), bins=8, binning="mass")
    assert [band.predictions for band in found] == [250] * 8
    assert all(one.high <= two.low for one, two in pairwise(found))


def test_equal_confidences_stay_together() -> None:
    found = reliability_diagram([0.9] * 7 + [0.5] * 3, [1] * 10, bins=5, binning="mass")
    assert [(band.predictions, band.low) for band in found] == [(3, 0.5), (7, 0.9)]


def test_calibration_error_is_that_of_the_recorded_histograms() -> None:
    probability, outcome = forecasts(1, 500, 2.0)
    histogram = recompute.reliability(probability, outcome == 1)
    expected = recompute.expected_calibration_error(histogram)
    assert calibration_error(probability, outcome) == pytest.approx(expected)


def test_calibration_error_of_a_known_gap() -> None:
    confidence, correct = np.full(1000, 0.9), np.arange(1000) < 700
    assert calibration_gap(confidence, correct) == pytest.approx(0.2)
    for binning in ("width", "mass"):
        assert calibration_error(confidence, correct, binning=binning) == pytest.approx(0.2)
    squared = squared_calibration_error(confidence, correct)
    assert squared == pytest.approx(0.04 - 0.7 * 0.3 / 999)


def test_debiasing_takes_off_what_noise_adds() -> None:
    runs = [forecasts(seed, 300) for seed in range(300)]
    plain = np.array([squared_calibration_error(*run, debiased=False) for run in runs])
    debiased = np.array([squared_calibration_error(*run) for run in runs])
    error = debiased.std() / math.sqrt(len(runs))
    assert plain.mean() > 20 * error
    assert abs(debiased.mean()) < 3 * error


def test_debiased_error_finds_a_true_miss() -> None:
    runs = [forecasts(seed, 300, 3.0) for seed in range(100)]
    truth = squared_calibration_error(*forecasts(1, 1_000_000, 3.0))
    found = np.array([squared_calibration_error(*run) for run in runs])
    assert abs(found.mean() - truth) < 3 * found.std() / math.sqrt(len(runs))


@pytest.mark.parametrize("binning", ["width", "mass"])
@pytest.mark.parametrize("sharpening", [0.5, 1.0, 3.0])
def test_parts_of_the_brier_score_add_up_to_scikit_learn_s(binning: Any, sharpening: float) -> None:
    probability, outcome = forecasts(2, 1000, sharpening)
    found = brier(probability, outcome, binning=binning)
    assert found.score == pytest.approx(brier_score_loss(outcome, probability))
    parts = found.reliability - found.resolution + found.uncertainty + found.within
    assert parts == pytest.approx(found.score)
    assert found.uncertainty == pytest.approx(outcome.var())


def test_brier_score_of_a_constant_is_all_uncertainty() -> None:
    found = brier(np.full(10, 0.3), np.arange(10) < 3)
    assert found == pytest.approx((0.21, 0.0, 0.0, 0.21, 0.0))


def test_temperature_of_a_closed_form() -> None:
    # Three of four are right, so that the best log-odds are log 3.
    found = fit_temperature([[2.0, 0.0]] * 4, [0, 0, 0, 1])
    assert found.temperature == pytest.approx(2 / math.log(3))
    assert found.scaled_loss == pytest.approx(special.entr(0.75) + special.entr(0.25))
    assert found.recoverable == pytest.approx(found.loss - found.scaled_loss)


def test_the_temperature_at_the_end_of_the_search_is_known_as_such() -> None:
    wrong = fit_temperature([[2.0, 0.0]] * 4, [0, 1, 1, 1])
    assert is_uniform(wrong.temperature)
    assert wrong.scaled_loss == pytest.approx(math.log(2), abs=1e-3)
    assert not is_uniform(fit_temperature([[2.0, 0.0]] * 4, [0, 0, 0, 1]).temperature)


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5, 40.0])
def test_temperature_is_the_minimum_that_scipy_finds(factor: float) -> None:
    rng = np.random.default_rng(3)
    scores = 2.0 * rng.normal(size=(800, 5))
    chances = special.softmax(scores, axis=1)
    labels = (chances.cumsum(axis=1) > rng.random((800, 1))).argmax(axis=1)
    found = fit_temperature(factor * scores, labels)

    def loss(log_temperature: float) -> float:
        scaled = special.softmax(factor * scores / math.exp(log_temperature), axis=1)
        return log_loss(labels, scaled, labels=range(5))

    best: Any = optimize.minimize_scalar(loss, bounds=(-3, 5), method="bounded")
    assert found.scaled_loss == pytest.approx(best.fun, abs=1e-9)
    assert found.temperature == pytest.approx(math.exp(best.x), rel=1e-3)
    assert found.temperature == pytest.approx(factor, rel=0.1)


def test_log_odds_and_logarithms_of_probabilities_are_scores_too() -> None:
    probability, outcome = forecasts(4, 500, 2.0)
    both = np.log(np.stack([1 - probability, probability], axis=1))
    one, two = fit_temperature(special.logit(probability), outcome), fit_temperature(both, outcome)
    assert one == pytest.approx(two)
    assert one.temperature == pytest.approx(2.0, rel=0.25)


def test_a_model_that_is_always_right_may_grow_ever_surer() -> None:
    found = fit_temperature([[3.0, 0.0], [0.0, 3.0]], [0, 1])
    assert found.temperature < 0.1
    assert found.scaled_loss < 1e-6


@pytest.mark.parametrize(
    "work",
    [
        lambda: calibration_gap([0.5], [1, 0]),
        lambda: calibration_gap([], []),
        lambda: calibration_error([0.5], [1], bins=0),
        lambda: fit_temperature([[1.0, 0.0]], [0, 1]),
        lambda: fit_temperature([[math.inf, 0.0]], [0]),
    ],
)
def test_what_does_not_fit_is_refused(work: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"expected .* Received: .* Fix: "):
        work()
