"""Intervals hold what they promise, and tests are those of the books."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lossmon.analysis.intervals import (
    bootstrap_mean,
    holm,
    matched_difference,
    mcnemar,
    mean_difference,
    mean_error,
    paired_bootstrap,
    resampled,
    share_difference,
    wilson,
)
from lossmon.errors import InvalidArgument


@pytest.mark.parametrize(("successes", "total"), [(0, 5), (9, 10), (45, 50), (500, 500)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_scipy_s(successes: int, total: int, level: float) -> None:
    expected = stats.binomtest(successes, total).proportion_ci(level, method="wilson")
    found = wilson(successes, total, level=level)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def covered(hits: Any) -> float:
    return float(np.mean(list(hits)))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_wilson_covers_the_truth_in_95_of_100(share: float) -> None:
    drawn = np.random.default_rng(0).binomial(200, share, 2000)
    ends = (wilson(count, 200) for count in drawn.tolist())
    assert covered(low <= share <= high for low, high in ends) == pytest.approx(0.95, abs=0.025)


def test_difference_of_shares_covers_the_truth() -> None:
    rng = np.random.default_rng(1)
    pairs = zip(rng.binomial(150, 0.9, 2000), rng.binomial(300, 0.85, 2000), strict=True)
    found = (share_difference((a, 150), (b, 300)) for a, b in pairs)
    assert covered(f.low <= 0.05 <= f.high for f in found) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("weighted", [False, True])
def test_bootstrap_of_a_loss_covers_the_truth(weighted: bool) -> None:
    rng = np.random.default_rng(2)

    def holds(seed: int) -> bool:
        losses = rng.exponential(0.4, 250)
        weights = rng.choice([1.0, 4.0], 250) if weighted else None
        found = bootstrap_mean(losses, weights, seed=seed)
        return found.low <= 0.4 <= found.high

    assert covered(map(holds, range(300))) == pytest.approx(0.95, abs=0.035)


def test_bootstrap_is_scipy_s() -> None:
    losses = np.random.default_rng(10).exponential(size=60) ** 2
    # SciPy 1.14 has another name for it.
    seed = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"
    given: Any = {seed: 0}
    theirs: Any = stats.bootstrap((losses,), np.mean, n_resamples=20_000, **given)
    expected = theirs.confidence_interval
    found = bootstrap_mean(losses)
    # Ends rest on fifty of the samples drawn.
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.03)
    plain = np.quantile(resampled(losses[None])[0], [0.025, 0.975])
    assert found.high > plain[1]


def test_standard_error_is_scipy_s_and_weights_of_zero_are_absence() -> None:
    losses = np.random.default_rng(3).exponential(size=100)
    assert mean_error(losses) == pytest.approx((losses.mean(), stats.sem(losses)))
    weights = (np.arange(100) < 60).astype(float)
    mean, error = mean_error(losses, weights)
    assert mean == pytest.approx(losses[:60].mean())
    assert error == pytest.approx(stats.sem(losses[:60]), rel=0.02)


def test_weighted_error_is_what_repetition_shows() -> None:
    rng = np.random.default_rng(4)
    found = [
        mean_error(rng.exponential(size=400), rng.choice([1.0, 5.0], 400)) for _ in range(1000)
    ]
    means, errors = zip(*found, strict=True)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.07)


def test_independent_means_are_compared_by_both_errors() -> None:
    found = mean_difference((0.5, 0.03), (0.3, 0.04))
    assert found == pytest.approx((0.2, 0.2 - 1.959964 * 0.05, 0.2 + 1.959964 * 0.05))
    assert found.excludes_zero
    assert not mean_difference((0.5, 0.3), (0.3, 0.4)).excludes_zero


def test_pairing_finds_what_independent_intervals_do_not() -> None:
    rng = np.random.default_rng(5)
    first = rng.exponential(size=400)
    second = first + 0.02 + 0.05 * rng.normal(size=400)
    assert paired_bootstrap(first, second).excludes_zero
    assert not mean_difference(mean_error(first), mean_error(second)).excludes_zero


def test_paired_bootstrap_covers_the_truth() -> None:
    rng = np.random.default_rng(6)

    def holds(seed: int) -> bool:
        base = rng.exponential(size=200)
        found = paired_bootstrap(base + 0.1 * rng.normal(size=200), base - 0.01, seed=seed)
        return found.low <= 0.01 <= found.high

    assert covered(map(holds, range(300))) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (5, 0), (12, 3), (40, 41)])
def test_mcnemar_is_the_exact_binomial_test(only_first: int, only_second: int) -> None:
    first = np.repeat([True, False, True, False], [only_first, only_second, 20, 5])
    second = np.repeat([False, True, True, False], [only_first, only_second, 20, 5])
    found = mcnemar(first, second)
    assert found[:2] == (only_first, only_second)
    count = only_first + only_second
    expected = stats.binomtest(only_first, count).pvalue if count else 1.0
    assert found.p_value == pytest.approx(min(expected, 1.0))


@pytest.mark.parametrize("shares", [(0.9, 0.9), (0.97, 0.9)])
def test_difference_of_matched_accuracies_covers_the_truth(shares: tuple[float, float]) -> None:
    rng = np.random.default_rng(11)

    def holds() -> bool:
        hard = rng.random(120)
        own = rng.random((2, 120))
        one, two = (
            np.where(o < 0.7, hard, r) < s
            for o, r, s in zip(own, rng.random((2, 120)), shares, strict=True)
        )
        found = mcnemar(one, two)
        low, high = matched_difference(found.only_first, found.only_second, 120)[1:]
        return low <= shares[0] - shares[1] <= high

    assert covered(holds() for _ in range(1500)) == pytest.approx(0.955, abs=0.02)


def test_mcnemar_errs_in_one_of_twenty_at_most() -> None:
    rng = np.random.default_rng(7)
    pairs = ((rng.random(300) < 0.85, rng.random(300) < 0.85) for _ in range(1000))
    assert covered(mcnemar(*pair).p_value <= 0.05 for pair in pairs) <= 0.05


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_holm_keeps_all_of_several_tests_at_their_level() -> None:
    p_values = np.random.default_rng(8).random((2000, 8))
    assert covered(holm(row).min() <= 0.05 for row in p_values) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    "work",
    [
        lambda: wilson(3, 2),
        lambda: wilson(0, 0),
        lambda: wilson(1, 2, level=1.0),
        lambda: mean_error([1.0]),
        lambda: mean_error([1.0, 2.0], [0.0, 0.0]),
        lambda: paired_bootstrap([1.0, 2.0], [1.0]),
        lambda: mcnemar([True], [True, False]),
    ],
)
def test_what_does_not_fit_is_refused(work: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"expected .* Received: .* Fix: "):
        work()


def test_bootstrap_is_the_same_each_time() -> None:
    losses = np.random.default_rng(9).exponential(size=50)
    assert bootstrap_mean(losses) == bootstrap_mean(losses)
    assert math.isfinite(bootstrap_mean(losses, seed=1).low)
