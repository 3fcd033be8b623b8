"""What a loss is made of, against sums by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.analysis import margins, right_and_wrong, summarise_margins, turns, worst_share
from lossmon.errors import InvalidArgument


def epoch(seed: int, count: int = 500) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.exponential(size=count), rng.random(count) < 0.8


def test_right_and_wrong_give_the_mean_loss() -> None:
    loss, correct = epoch(0)
    found = right_and_wrong(loss, correct)
    whole = found.right * found.loss_right + (1 - found.right) * found.loss_wrong
    assert whole == pytest.approx(loss.mean())
    assert found.wrong == (~correct).sum()


@pytest.mark.parametrize("correct", [True, False])
def test_all_right_or_all_wrong_is_no_error(correct: bool) -> None:
    found = right_and_wrong([1.0, 3.0], [correct, correct])
    assert (found.right, found.loss_right + found.loss_wrong) == (float(correct), 2.0)


@pytest.mark.parametrize("worst", [0.001, 0.01, 0.25, 1.0])
def test_share_of_the_worst_samples(worst: float) -> None:
    loss, _ = epoch(1)
    count = max(1, int(np.ceil(worst * loss.size)))
    assert worst_share(loss, worst) == pytest.approx(np.sort(loss)[-count:].sum() / loss.sum())


def test_no_loss_is_carried_by_nobody() -> None:
    assert worst_share(np.zeros(10)) == 0.0


def test_margin_is_above_zero_where_the_prediction_is_right() -> None:
    rng = np.random.default_rng(2)
    chances, labels = rng.dirichlet(np.ones(4), 300), rng.integers(0, 4, 300)
    found = margins(chances, labels)
    np.testing.assert_array_equal(found > 0, chances.argmax(axis=1) == labels)
    expected = [p[y] - max(np.delete(p, y)) for p, y in zip(chances, labels, strict=True)]
    np.testing.assert_allclose(found, expected)


def test_margins_are_summed_up_for_right_and_wrong_predictions() -> None:
    found = summarise_margins([0.9, 0.1, -0.5, 0.7], [True, True, False, True])
    assert found.mean == pytest.approx(0.3)
    assert (found.right, found.wrong) == pytest.approx((17 / 30, -0.5))
    assert found[3:] == pytest.approx(
        np.quantile([-0.5, 0.1, 0.7, 0.9], [0.05, 0.25, 0.5, 0.75, 0.95])
    )
    assert summarise_margins([0.5], [True]).wrong is None
    assert summarise_margins([-0.5], [False]).right is None


def test_turns_add_up_to_the_change_of_the_mean_loss() -> None:
    (before, was), (after, has) = epoch(3), epoch(4)
    found = turns(before, was, after, has)
    assert sum(part.samples for part in found) == before.size
    assert sum(part.loss for part in found) == pytest.approx(after.mean() - before.mean())
    assert sum(part.worse for part in found) == (after > before).sum()


def test_each_sample_is_what_became_of_it() -> None:
    found = turns(
        [0.1, 0.2, 2.0, 3.0, 0.5],
        [True, True, False, False, True],
        [0.3, 1.5, 4.0, 0.1, 0.4],
        [True, False, False, True, True],
    )
    assert found.stayed_right == pytest.approx((2, 1, (0.2 - 0.1) / 5))
    assert found.turned_wrong == pytest.approx((1, 1, 1.3 / 5))
    assert found.stayed_wrong == pytest.approx((1, 1, 2.0 / 5))
    assert found.turned_right == pytest.approx((1, 0, -2.9 / 5))


@pytest.mark.parametrize(
    "work",
    [
        lambda: right_and_wrong([1.0], [True, False]),
        lambda: worst_share([]),
        lambda: worst_share([1.0], 0.0),
        lambda: margins([[1.0]], [0]),
        lambda: turns([1.0], [True], [1.0, 2.0], [True, True]),
    ],
)
def test_what_does_not_fit_is_refused(work: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"expected .* Received: .* Fix: "):
        work()
