"""Runs are told apart where they differ, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lossmon.analysis import (
    Difference,
    Interval,
    Measured,
    Samples,
    compare,
    compare_groups,
    count_wins,
    last_measured,
    outweighed,
    pareto_front,
    recommend,
    verdict_words,
)
from lossmon.errors import InvalidArgument
from tests.analysis.trained import OUTPUT, recorded


def drawn(seed: int, *, loss: float = 0.4, share: float = 0.9, count: int = 800) -> Samples:
    rng = np.random.default_rng(seed)
    return Samples(rng.exponential(loss, count), rng.random(count) < share)


def unpaired(name: str, samples: Samples) -> Measured:
    run = Measured.of_samples(name, samples)
    return Measured(name, run.loss, run.loss_error, run.correct, run.judged)


def hits(samples: Samples) -> np.ndarray:
    assert samples.correct is not None
    return samples.correct


def better(samples: Samples, *, by: float, fixed: int) -> Samples:
    """The same samples under a model that is a little better on them."""
    noise = np.random.default_rng(99).normal(size=samples.loss.size)
    correct = hits(samples).copy()
    correct[np.flatnonzero(~correct)[:fixed]] = True
    return Samples(samples.loss - by + 0.05 * noise, correct)


def test_pairing_sees_what_unpaired_intervals_do_not() -> None:
    one = drawn(0)
    two = better(one, by=0.015, fixed=8)
    paired = compare([Measured.of_samples("old", one), Measured.of_samples("new", two)])
    assert [(d.measure, d.basis, d.better) for d in paired] == [
        ("loss", "paired", "new"),
        ("accuracy", "paired", "new"),
    ]
    alone = compare([unpaired("old", one), unpaired("new", two)])
    assert [(d.basis, d.better) for d in alone] == [("unpaired", None)] * 2


def test_samples_are_recognised_by_their_keys() -> None:
    one = drawn(1)
    two = better(one, by=0.015, fixed=8)
    keys = np.arange(800)
    mixed = np.random.default_rng(0).permutation(800)[:700]
    here = Measured.of_samples("old", Samples(one.loss, one.correct, keys))
    there = Samples(two.loss[mixed], hits(two)[mixed], keys[mixed])
    found = compare([here, Measured.of_samples("new", there)])
    assert [(d.basis, d.samples) for d in found] == [("paired", 700)] * 2
    assert found[0].interval.value == pytest.approx((one.loss - two.loss)[mixed].mean())
    assert found[0].means == pytest.approx((one.loss[mixed].mean(), two.loss[mixed].mean()))
    assert found[1].means == pytest.approx((hits(one)[mixed].mean(), hits(two)[mixed].mean()))
    strangers = Measured.of_samples("new", Samples(two.loss, two.correct, keys + 1000))
    assert {d.basis for d in compare([here, strangers])} == {"unpaired"}


@pytest.mark.parametrize("make", [unpaired, Measured.of_samples])
def test_equal_models_differ_in_one_of_twenty_comparisons_at_most(make: Any) -> None:
    false = 0
    for seed in range(200):
        runs = [make(str(i), drawn(1000 + 3 * seed + i, count=100)) for i in range(3)]
        false += any(difference.significant for difference in compare(runs))
    # Two measures, each at 5 %, and a margin of three standard errors.
    assert false / 200 <= 0.10 + 3 * np.sqrt(0.1 * 0.9 / 200)


def test_clear_differences_are_named_and_recommended() -> None:
    sure = unpaired("sure", drawn(2, loss=0.8, share=0.95, count=3000))
    calm = unpaired("calm", drawn(3, loss=0.4, share=0.90, count=3000))
    found = {d.measure: d.better for d in compare([sure, calm])}
    assert found == {"loss": "calm", "accuracy": "sure"}
    assert recommend([sure, calm], "probabilities") == "For probabilities: calm, by its loss."
    assert recommend([sure, calm], "decisions") == "For decisions: sure, by its accuracy."
    assert {run.name for run in pareto_front([sure, calm])} == {"sure", "calm"}


def test_no_evidence_of_a_difference_is_said() -> None:
    runs = [unpaired("one", drawn(40)), unpaired("two", drawn(41))]
    for need, measure in (("probabilities", "loss"), ("decisions", "accuracy")):
        assert recommend(runs, need) == f"For {need}: no evidence of a difference in {measure}."  # pyright: ignore[reportArgumentType]


def test_what_is_as_good_is_named_beside_the_best() -> None:
    runs = [
        unpaired(name, drawn(i, loss=loss))
        for i, (name, loss) in enumerate([("best", 0.40), ("near", 0.41), ("far", 0.9)])
    ]
    best = min(runs, key=lambda run: run.loss).name
    other = ({"best", "near"} - {best}).pop()
    said = recommend(runs, "probabilities")
    assert said == f"For probabilities: {best}; no evidence that {other} is worse in loss."


def test_several_comparisons_are_corrected_together() -> None:
    pair = [unpaired("a", drawn(6, share=0.90)), unpaired("b", drawn(7, share=0.87))]
    more = [unpaired(str(seed), drawn(seed)) for seed in range(20, 25)]
    alone, among = compare(pair)[1], compare([*pair, *more])
    (same,) = (d for d in among if d.measure == "accuracy" and {d.first, d.second} == {"a", "b"})
    assert same.p_value > alone.p_value
    assert same.single == alone.single == alone.p_value


@pytest.mark.parametrize(
    ("low", "chances", "words"),
    [
        (0.1, (0.01, 0.02), "b is better"),
        (-0.1, (0.4, 0.8), "no evidence of a difference"),
        (0.1, (0.03, 0.09), "no evidence of a difference allowing for all comparisons (the"),
        (0.1, (0.06, 0.06), "no evidence of a difference by the test (the interval, found in"),
        (-0.1, (0.01, 0.02), "b is better by the test (the interval, found in another way, just r"),
    ],
)
def test_interval_and_chance_never_part_without_a_word(
    low: float, chances: tuple[float, float], words: str
) -> None:
    single, p_value = chances
    interval = Interval(0.3, low, 0.6)
    found = Difference("loss", "a", "b", interval, p_value, "paired", 9, single=single)
    said = verdict_words(found)
    assert said.startswith(words)
    assert ("(" in said) == ("(" in words)


def test_few_samples_of_large_losses_are_named_where_they_decide() -> None:
    rng = np.random.default_rng(0)
    sure = np.full(440, 0.01)
    sure[:40] = np.linspace(9.0, 3.0, 40)
    sure[:4] += 1000.0
    calm = sure * 0 + 0.05 + 0.001 * rng.random(440)
    runs = Samples(calm, calm < 1), Samples(sure, sure < 1)
    wins = count_wins(*runs)
    assert (wins[0].first, wins[0].second, wins[0].decisive) == (40, 400, 1)
    said = outweighed("calm", "sure", wins)
    assert said is not None
    assert "smaller for calm" in said
    assert "the 40 samples on which it is better outweigh the 400 on which sure is (1 of" in said
    even = Samples(np.where(np.arange(440) < 40, 0.7, 0.01), calm < 1)
    need = count_wins(Samples(calm, calm < 1), even)[0].decisive
    gap = 0.7 - calm[:40]
    against = (calm - even.loss)[40:].sum()
    assert np.sort(gap)[::-1][:need].sum() > against >= np.sort(gap)[::-1][: need - 1].sum()
    assert outweighed("sure", "calm", count_wins(even, even)) is None
    assert (
        outweighed("a", "b", count_wins(Samples(calm, calm < 1), Samples(calm + 1, calm < 1)))
        is None
    )


def test_seeds_are_repeats_of_one_setting() -> None:
    rng = np.random.default_rng(8)
    groups = [
        [
            Measured(f"{name}-{i}", loss, 0.01, 900.0, 1000.0)
            for i, loss in enumerate((mean + 0.02 * rng.normal(size=4)).tolist())
        ]
        for name, mean in (("wide", 0.40), ("deep", 0.30))
    ]
    loss, hits = compare_groups(groups)
    assert (loss.first, loss.second, loss.basis, loss.samples) == ("wide", "deep", "seeds", 8)
    values = [[run.loss for run in group] for group in groups]
    welch: Any = stats.ttest_ind(*values, equal_var=False)
    assert loss.p_value == pytest.approx(welch.pvalue)
    assert (loss.better, hits.better) == ("deep", None)


def test_one_seed_differs_from_another_without_being_another_setting() -> None:
    def group(name: str, losses: list[float]) -> list[Measured]:
        return [Measured(f"{name} {i}", loss, 0.001) for i, loss in enumerate(losses)]

    found = compare_groups([group("a", [0.30, 0.40, 0.35]), group("b", [0.33, 0.43, 0.38])])
    assert [(d.measure, d.better) for d in found] == [("loss", None)]


def test_tests_of_pairs_are_scipy_s() -> None:
    one = drawn(50)
    two = better(one, by=0.005, fixed=9)
    loss, hits = compare([Measured.of_samples("a", one), Measured.of_samples("b", two)])
    expected: Any = stats.ttest_rel(one.loss, two.loss)
    assert loss.p_value == pytest.approx(expected.pvalue)
    assert hits.p_value == pytest.approx(stats.binomtest(0, 9).pvalue)


def test_runs_of_other_samples_are_paired_on_those_they_share() -> None:
    keys = np.arange(800)
    whole = drawn(51)
    runs = [
        Measured.of_samples(name, Samples(whole.loss[at] + add, hits(whole)[at], keys[at]))
        for name, at, add in (("a", keys, 0.0), ("b", keys[::-1], 0.1), ("c", keys[300:], 0.2))
    ]
    found = {(d.first, d.second): d for d in compare(runs) if d.measure == "loss"}
    assert [d.samples for d in found.values()] == [800, 500, 500]
    assert [d.interval.value for d in found.values()] == pytest.approx([-0.1, -0.2, -0.1])
    assert found["a", "b"].interval == pytest.approx((-0.1, -0.1, -0.1))


def test_losses_that_are_not_finite_are_not_compared() -> None:
    broken = Samples(np.full(800, np.nan), drawn(52).correct)
    runs = [Measured.of_samples("a", drawn(52)), Measured.of_samples("b", broken)]
    assert [d.measure for d in compare(runs)] == ["accuracy"]


def test_wins_are_counted_over_all_and_by_class() -> None:
    rng = np.random.default_rng(53)
    labels = np.repeat([0, 1, 2], 100)
    one = Samples(rng.exponential(size=300), rng.random(300) < 0.8, labels=labels)
    gain = np.where(labels == 1, 0.2, 0.0) + 0.05 * rng.normal(size=300)
    two = Samples(one.loss - gain, one.correct | (labels == 1), labels=labels)
    whole, *classes = count_wins(one, two)
    assert (whole.label, whole.samples) == (None, 300)
    assert whole.second == int((gain > 0).sum())
    assert whole.p_value == pytest.approx(stats.binomtest(whole.first, 300).pvalue)
    assert [c.label for c in classes] == [0, 1, 2]
    assert [c.p_value < 0.05 for c in classes] == [False, True, False]
    assert [c.only_second for c in classes] == [0, int((~hits(one)[labels == 1]).sum()), 0]
    assert sum(c.loss * c.samples for c in classes) == pytest.approx(whole.loss * 300)
    assert len(count_wins(Samples(one.loss, one.correct), two)) == 1


def test_pareto_front_is_what_nothing_beats() -> None:
    rng = np.random.default_rng(54)
    points = [
        Measured("run", loss, 0.1, share, 10.0, epoch=epoch)
        for epoch, (loss, share) in enumerate(rng.integers(0, 9, (80, 2)).tolist())
    ]
    front = pareto_front(points)
    for point in points:
        beaten = any(
            o.loss <= point.loss
            and (o.correct or 0) >= (point.correct or 0)
            and (o.loss, o.correct) != (point.loss, point.correct)
            for o in points
        )
        assert (point in front) != beaten
    assert pareto_front([Measured("nan", float("nan"), None, 1.0, 1.0)]) == []


def test_pareto_front_leaves_out_what_is_beaten_in_both() -> None:
    runs = [
        Measured("beaten", 0.5, 0.1, 80.0, 100.0),
        Measured("loss", 0.2, 0.1, 80.0, 100.0),
        Measured("accuracy", 0.5, 0.1, 95.0, 100.0),
        Measured("unknown", 0.1, 0.1),
    ]
    assert [run.name for run in pareto_front(runs)] == ["loss", "accuracy"]


def test_last_epoch_of_a_record_is_measured() -> None:
    chances = np.random.default_rng(9).dirichlet(np.ones(2), (3, 400))
    labels = np.arange(400) % 2
    rows = [recorded(epoch, "val", of, labels) for epoch, of in enumerate(chances)]
    found = last_measured("run", rows, OUTPUT, "val")
    losses = -np.log(chances[2][np.arange(400), labels])
    assert found is not None
    assert (found.loss, found.loss_error) == pytest.approx(
        (losses.mean(), losses.std() / 20), rel=1e-6
    )
    assert found.accuracy == (chances[2].argmax(axis=1) == labels).mean()
    assert last_measured("run", rows, OUTPUT, "train") is None


@pytest.mark.parametrize(
    "work",
    [
        lambda: compare([Measured("a", 1.0, 0.1), Measured("a", 1.0, 0.1)]),
        lambda: compare([Measured("a", 1.0, 0.1)]),
        lambda: compare_groups([[Measured("a", 1.0, 0.1)], [Measured("b", 1.0, 0.1)]]),
    ],
)
def test_what_does_not_fit_is_refused(work: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"expected .* Received: .* Fix: "):
        work()
