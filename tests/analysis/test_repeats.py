"""Runs that repeat one setting are recognised, and are the observations of a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lossmon.analysis import Measured, compare_groups, repeats, seed_groups
from lossmon.errors import InvalidArgument


def document(name: str, project: str | None = None, tags: Any = (), **config: Any) -> Any:
    return {"name": name, "config": config, "project": project, "tags": list(tags)}


def test_runs_that_differ_in_their_seed_alone_are_repeats() -> None:
    runs = [document(str(seed), units=u, seed=seed) for u in (8, 16) for seed in (1, 2, 3)]
    assert seed_groups(runs) == {"units=8": [0, 1, 2], "units=16": [3, 4, 5]}
    nested = [document("a", data={"random_state": 1}), document("b", data={"random_state": 2})]
    assert seed_groups(nested) == {"same config": [0, 1]}


def test_without_a_seed_nothing_is_taken_for_a_repeat() -> None:
    """Equal configs may hide what was not written down."""
    assert seed_groups([document("a", units=8), document("b", units=8)]) == {}
    assert seed_groups([document("a", units=8, seed=1), document("b", units=9, seed=1)]) == {}


def test_runs_are_grouped_by_what_is_asked_for() -> None:
    runs = [
        document("a", "one", ("x", "y"), rate=1, deep={"er": 3}),
        document("b", "two", ("y", "x"), rate=1, deep={"er": 4}),
    ]
    assert seed_groups(runs, "project") == {"one": [0], "two": [1]}
    assert seed_groups(runs, "tags") == {"x, y": [0, 1]}
    assert seed_groups(runs, "rate") == seed_groups(runs, "config.rate") == {"rate=1": [0, 1]}
    assert seed_groups(runs, "deep.er") == {"deep.er=3": [0], "deep.er=4": [1]}
    with pytest.raises(InvalidArgument, match=r"'units' .* none in 'a'"):
        seed_groups(runs, "units")


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
