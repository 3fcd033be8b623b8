"""Runs that repeat one setting are the observations of a test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lossmon.analysis import Measured, compare_groups, repeats


def test_mean_and_spread_of_a_setting() -> None:
    losses = [0.30, 0.34, 0.29, 0.33]
    runs = [Measured(str(i), loss, 0.01, 90.0, 100.0) for i, loss in enumerate(losses)]
    found = repeats("setting", runs)
    expected = stats.t.interval(0.95, 3, np.mean(losses), stats.sem(losses))
    assert found.loss == pytest.approx((np.mean(losses), *expected))
    assert found.loss_spread == pytest.approx(np.std(losses, ddof=1))
    assert found.accuracy == (0.9, 0.9, 0.9)
    assert repeats("one", runs[:1]).loss_spread is None


def test_three_seeds_are_rarely_enough_for_a_difference_that_is_none() -> None:
    rng = np.random.default_rng(0)

    def differs() -> bool:
        groups = [
            [Measured(f"{g}{i}", loss, 0.0) for i, loss in enumerate(rng.normal(0.3, s, 3))]
            for g, s in (("a", 0.01), ("b", 0.05))
        ]
        return any(d.significant for d in compare_groups(groups))

    assert np.mean([differs() for _ in range(600)]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
