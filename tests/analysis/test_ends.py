"""Intervals of one epoch's loss and accuracy are given where they are known, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.analysis import accuracy_interval, loss_interval, wilson

OUTPUT = {
    "name": "kind",
    "loss": "binary_crossentropy",
    "shape": (None, 1),
    "reduction": "sum_over_batch_size",
}


def epoch(**values: Any) -> dict[str, Any]:
    row = {"epoch": 3, "split": "val", "output": None, "n": 100, "weight": 100.0, "coverage": 1.0}
    row |= {"loss": 0.3, "recomputed_loss": 0.3, "loss_squares": 100 * (0.3**2 + 0.25)}
    row |= {"accuracy": 0.9, "recomputed_accuracy": 0.9, "correct": 90.0, "judged": 100.0}
    return row | values


def test_the_loss_s_interval_is_that_of_a_mean_of_samples() -> None:
    losses = np.random.default_rng(0).exponential(0.3, 1000)
    seen = {"n": 1000, "weight": 1000.0, "judged": 1000.0, "loss_squares": (losses**2).sum()}
    interval = loss_interval(epoch(recomputed_loss=losses.mean(), **seen), OUTPUT)
    assert interval is not None
    reach = 1.96 * losses.std() / np.sqrt(1000)
    assert interval == pytest.approx((losses.mean() - reach, losses.mean() + reach), rel=1e-3)
    low, _ = loss_interval(epoch(recomputed_loss=0.01, loss_squares=25.0), OUTPUT) or (None, None)
    assert low == 0.0


def test_the_interval_of_a_loss_below_0_goes_on_below_it() -> None:
    low, high = loss_interval(epoch(recomputed_loss=-2.0, loss_squares=500.0), OUTPUT) or (0, 0)
    assert low < -2.0 < high
    assert high - -2.0 == pytest.approx(-2.0 - low)


@pytest.mark.parametrize(
    "values",
    [{"loss_squares": None}, {"recomputed_loss": float("nan")}, {"n": 1, "judged": 1.0}],
    ids=str,
)
def test_no_spread_is_no_interval(values: Any) -> None:
    assert loss_interval(epoch(correct=1.0, **values), OUTPUT) is None
    assert loss_interval(epoch(), OUTPUT | {"reduction": "sum"}) is None


def test_the_accuracy_s_interval_is_wilson_s_of_the_samples_that_were_judged() -> None:
    assert accuracy_interval(epoch()) == wilson(90, 100)
    assert accuracy_interval(epoch(coverage=0.5)) == wilson(45, 50)
    # Several labels of a sample count as one: they are not independent.
    assert accuracy_interval(epoch(correct=270.0, judged=300.0)) == wilson(90, 100)


@pytest.mark.parametrize(
    "values",
    [
        {"recomputed_accuracy": 0.86},
        {"correct": None},
        {"judged": 0.0},
        {"accuracy": None, "recomputed_accuracy": None},
        {"coverage": 0.0},
    ],
    ids=str,
)
def test_an_accuracy_that_counts_something_else_has_no_interval(values: Any) -> None:
    assert accuracy_interval(epoch(**values)) is None
