"""What is recomputed when recomputing costs more than its share."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from lossmon.capture import budget as module
from lossmon.capture.budget import Budget


def spend(budget: Budget, steps: int, seconds: float) -> None:
    with budget.spend(steps):
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass


def test_all_steps_are_chosen_before_any_cost_is_known() -> None:
    assert Budget().choose(7).tolist() == list(range(7))


def test_a_share_without_end_chooses_all() -> None:
    budget = Budget(share=math.inf)
    spend(budget, 1, 0.01)
    assert len(budget.choose(10_000)) == 10_000


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_what_is_spent_stays_within_the_share(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget, chosen, cost = Budget(share), 0, 0.001
    spend(budget, 1, cost)
    for _ in range(40):
        budget.earn(0.1)  # of ten steps
        rows = budget.choose(10)
        chosen += len(rows)
        if len(rows):
            spend(budget, len(rows), len(rows) * cost)
    earned = 40 * 0.1 * share
    assert chosen * cost == pytest.approx(earned, rel=0.25)


def test_chosen_steps_are_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget = Budget(share=1.0)
    spend(budget, 1, 0.01)
    budget.earn(0.01 + 0.4 * 0.01 * 100)
    rows = budget.choose(100)
    assert 32 <= len(rows) <= 41
    assert np.diff(rows).max() - np.diff(rows).min() <= 2


def test_few_steps_are_chosen_all_or_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget = Budget(share=1.0)
    spend(budget, 1, 0.01)
    budget.earn(0.01 + 10.5 * 0.01)
    assert [len(budget.choose(steps)) for steps in (9, 20, 100)] == [9, 0, 0]


def test_the_allowance_pays_for_short_runs() -> None:
    budget = Budget()
    spend(budget, 10, 0.01)
    assert len(budget.choose(100)) == 100


def test_reading_what_is_left_out_makes_the_rest_no_dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget, chosen = Budget(share=1.0), 0
    spend(budget, 10, 0.01)
    for _ in range(50):  # of ten steps, which take a millisecond each; half of what they earn goes
        budget.earn(0.006)  # into reading
        budget.pay(0.003)
        rows = budget.choose(10)
        chosen += len(rows)
        if len(rows):
            spend(budget, len(rows), 0.001 * len(rows))
    assert 100 <= chosen <= 150
