"""What is recomputed when recomputing costs more than its share."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from lossmon.capture import budget as module
from lossmon.capture.budget import Budget
from lossmon.capture.expected_cost import ExpectedCost

taken = SimpleNamespace(seconds=0.0)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a block take as long as `spend` says."""

    @contextmanager
    def told() -> Generator[SimpleNamespace]:
        yield taken

    monkeypatch.setattr(module, "processor_time", told)


def spend(budget: Budget, steps: int, seconds: float) -> None:
    taken.seconds = seconds
    with budget.spend(steps):
        pass


def spent_twice(budget: Budget, steps: int, seconds: float) -> Budget:
    """The first time says little; see `ExpectedCost`."""
    for _ in range(2):
        spend(budget, steps, seconds)
        budget.earn(seconds)
    return budget


def test_all_steps_are_chosen_before_any_cost_is_known() -> None:
    assert Budget().choose(7).tolist() == list(range(7))


def test_a_share_without_end_chooses_all() -> None:
    budget = Budget(share=math.inf)
    spend(budget, 1, 0.01)
    assert len(budget.choose(10_000)) == 10_000


def test_the_cheap_end_of_an_epoch_does_not_stand_for_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget = spent_twice(Budget(0.5), 16, 0.016)
    spend(budget, 16, 0.016)
    budget.earn(0.07)  # of three steps
    assert len(budget.choose(16, of="an epoch")) == 0
    assert len(budget.choose(1, of="an epoch")) == 0
    assert len(budget.choose(1, of="another")) == 1
    budget.earn(1.0)
    assert len(budget.choose(16, of="a third")) == 16
    budget.pay(10.0)
    assert [len(budget.choose(5, of="a third")) for _ in range(3)] == [5, 0, 0]


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_what_is_spent_stays_within_the_share(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget, chosen, cost = Budget(share), 0, 0.001
    spend(budget, 1, cost)
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
    budget = spent_twice(Budget(share=1.0), 1, 0.01)
    budget.earn(0.4 * 0.01 * 100)
    rows = budget.choose(100)
    assert 32 <= len(rows) <= 41
    assert np.diff(rows).max() - np.diff(rows).min() <= 2


def test_few_steps_are_chosen_all_or_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget = spent_twice(Budget(share=1.0), 1, 0.01)
    budget.earn(10.5 * 0.01)
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


def test_what_takes_long_the_first_time_only_is_not_put_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in steps of a millisecond, whose share of 20 us pays for them all."""
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget, chosen = Budget(share=0.02), 0
    spend(budget, 1, 0.009)
    for _ in range(100):
        budget.earn(0.09)
        rows = budget.choose(90)
        chosen += len(rows)
        spend(budget, len(rows), 0.0005 + 10e-6 * len(rows) if len(rows) else 0.0)
    assert chosen > 0.9 * 90 * 100


def test_chunks_of_few_steps_make_the_others_seem_no_dearer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget, chosen, left = Budget(share=0.02), 0, 0.0
    for steps in [1, 89] * 300:
        budget.earn(0.001 * steps)
        rows = budget.choose(steps)
        chosen += len(rows)
        cost = 0.0003 + 15e-6 * len(rows) if len(rows) else 0.0
        left += 0.02 * 0.001 * steps - cost
        spend(budget, len(rows), cost)
    # What was earned is spent, but for what it takes to begin; and no more than that.
    assert -0.01 < left < 0.01
    assert chosen > 0.6 * 90 * 300


def test_no_part_is_chosen_that_would_take_mainly_what_each_time_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    budget = Budget(share=1.0)
    for steps in (200, 200, 100, 200, 100):
        spend(budget, steps, 0.01 + 0.0001 * steps)
        budget.earn(0.01 + 0.0001 * steps)
    budget.earn(0.01 + 0.0001 * 60)
    assert len(budget.choose(200)) == 0
    budget.earn(0.0001 * 60)
    assert len(budget.choose(200)) == pytest.approx(120, abs=2)


def test_expected_cost_has_a_part_for_each_time_and_one_for_each_step() -> None:
    cost = ExpectedCost()
    assert cost.of(10) == 0.0
    for steps in (100, 1, 50, 80, 100):
        cost.learn(steps, 0.005 + 0.001 * steps)
    assert cost.parts() == pytest.approx((0.005, 0.001))


def test_one_number_of_steps_tells_no_parts_apart() -> None:
    cost = ExpectedCost()
    for _ in range(3):
        cost.learn(64, 0.64)
    assert cost.parts() == pytest.approx((0.0, 0.01))


def test_a_pause_within_the_measurement_is_believed_in_part() -> None:
    cost = ExpectedCost()
    for _ in range(3):
        cost.learn(10, 0.01)
    assert cost.learn(10, 1.0) == pytest.approx(0.05)
