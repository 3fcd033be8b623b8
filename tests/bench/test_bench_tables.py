from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.bench import disk, tables
from tests.bench.names import BARE, EMPTY, FULL, LABELS, TENSORBOARD
from tests.bench.overhead import rotated
from tests.bench.ratios import Fit, Measured, Spread, Turn, mean_with_interval, measured, spread

MIB = 2**20
FITS = [
    {
        BARE: Fit(first=1.0, end=0.0, memory=500 * MIB),
        TENSORBOARD: Fit(first=1.2, end=0.1, memory=510 * MIB),
        FULL: Fit(first=1.5, end=0.2, memory=550 * MIB, coverage=1.0, bytes=growth),
    }
    for growth in (None, 14.0)
]


def _round(slowness: float) -> dict[str, Turn]:
    """All contenders while the machine is as slow as that."""
    return {
        BARE: Turn(0.001 * slowness, 0.0010),
        TENSORBOARD: Turn(0.0015 * slowness, 0.0018),
        FULL: Turn(0.0011 * slowness, 0.0012, hooks=0.00003 * slowness, writer=0.00002),
    }


@pytest.fixture
def result() -> Measured:
    return measured("mlp", [[_round(slowness) for slowness in (1.0, 4.0, 2.0)]], FITS)


def test_spread_is_median_and_quartiles() -> None:
    assert spread([5.0, 1.0, 4.0, 2.0, 3.0]) == Spread(2.0, 3.0, 4.0)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0)


def test_mean_has_an_interval_that_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    intervals = [mean_with_interval(list(rng.normal(1.0, 0.1, 6))) for _ in range(2_000)]
    covered = [one is not None and one.low <= 1.0 <= one.high for one in intervals]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)
    assert mean_with_interval([1.0, 1.0, 1.0]) is None


def test_fits_count_once_however_many_rounds_they_have() -> None:
    rounds = [[_round(1.0)] * often for often in (1, 2, 3)]
    faster = _round(1.0) | {FULL: Turn(0.001, 0.0012)}
    found = measured("mlp", [*rounds, [faster] * 50], FITS).costs[FULL].slower
    assert found is not None
    assert found.median == pytest.approx((3 * 1.1 + 1.0) / 4)


@given(st.lists(st.integers(-(10**6), 10**6).map(float), min_size=1, max_size=30))
def test_spread_lies_in_order_between_the_values(values: list[float]) -> None:
    found = spread(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


def test_a_slow_moment_of_the_machine_does_not_move_ratios(result: Measured) -> None:
    cost = result.costs[FULL]
    assert cost.wall == pytest.approx((1.1, 1.1, 1.1))
    assert cost.cpu == pytest.approx((0.0002, 0.0002, 0.0002))
    assert cost.cpu_share == pytest.approx(0.25)
    assert cost.hooks == pytest.approx(0.00006)
    assert cost.writer == pytest.approx(0.00002)
    assert cost.own_share == pytest.approx(0.1)
    assert cost.of_step == pytest.approx(0.00008 / 0.002)
    assert cost.slower is None


def test_what_is_known_once_a_fit(result: Measured) -> None:
    cost = result.costs[FULL]
    assert (cost.first, cost.end, cost.memory) == pytest.approx((0.5, 0.2, 1.1))
    assert (cost.coverage, cost.bytes) == (1.0, 14.0)
    assert result.costs[TENSORBOARD].coverage is None
    assert (result.rounds, result.wall, result.cpu, result.memory) == (3, 0.002, 0.001, 500 * MIB)
    assert BARE not in result.costs


def test_without_tensorboard_nothing_is_a_share_of_it() -> None:
    rounds = [{BARE: Turn(1.0, 1.0), EMPTY: Turn(1.0, 1.0)}]
    fits = [{BARE: Fit(1.0, 0.0, MIB), EMPTY: Fit(1.0, 0.0, MIB)}]
    assert measured("mlp", [rounds], fits).costs[EMPTY].cpu_share is None


def test_what_noise_hides_has_no_shares() -> None:
    hidden = Turn(0.0015, 0.0009)
    rounds = [_round(1.0), _round(1.0) | {TENSORBOARD: hidden}, _round(1.0)]
    assert measured("mlp", [rounds], FITS).costs[FULL].cpu_share == pytest.approx(0.25)
    rounds[0] = _round(1.0) | {TENSORBOARD: hidden}
    assert measured("mlp", [rounds], FITS).costs[FULL].cpu_share is None


def test_each_contender_begins_and_ends_as_often_as_the_others() -> None:
    orders = [rotated(tuple(LABELS), index) for index in range(2 * len(LABELS))]
    assert all(sorted(order) == sorted(LABELS) for order in orders)
    for place in (0, -1):
        assert set(Counter(order[place] for order in orders).values()) == {2}


def test_terminal_report_holds_every_figure(result: Measured) -> None:
    told = io.StringIO()
    Console(file=told, width=80).print(tables.report(result))
    text = told.getvalue()
    assert "MLP 64-128-10, batch 32: bare 2,000 µs a step" in text
    assert "TensorBoard(update_freq=1)" in text
    full = "".join(line for line in text.splitlines() if LABELS[FULL] in line)
    cells = ("×1.10", "+200 µs", "25 %", "60 µs", "20 µs", "+0.50 s", "+0.20 s", "100 %", "14.0")
    assert [cell for cell in cells if cell not in full] == []


def test_markdown_rows_have_the_columns_of_the_head(result: Measured) -> None:
    text = tables.markdown([result])
    head, rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in (head, rule, *rows)} == {6}
    assert len(rows) == len(result.costs)
    assert "- Hooks on the training thread, a batch: mlp full 60 µs." in text
    assert "- CPU of its own threads, a batch: mlp full 20 µs." in text
    assert "- Both together, of what TensorBoard adds: mlp full 10 %." in text
    assert "- Bytes on disk, a value (long runs only): mlp full 14.0." in text


def test_only_measured_values_count_as_stored() -> None:
    row = {"run_id": "a", "step": 1, "n": 32, "loss": 0.5, "accuracy": None, "status": "verified"}
    assert disk.stored_scalars([row, row | {"accuracy": 0.0}]) == 3


def test_coverage_leaves_the_first_epoch_out() -> None:
    epochs = [
        {"epoch": 0, "coverage": 0.0, "n": 100},
        {"epoch": 1, "coverage": 0.5, "n": 100},
        {"epoch": 2, "coverage": 1.0, "n": 300},
    ]
    assert disk.steady_coverage(epochs) == pytest.approx(0.875)
