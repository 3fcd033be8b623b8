"""What to take depends on what it is for; where nothing can be told, nothing is recommended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from lossmon.analysis import (
    Costs,
    Measured,
    decision_costs,
    recommend,
    roc_area,
    weigh_need,
)
from lossmon.errors import InvalidArgument
from tests.analysis.pairs import drawn_samples, named, of_scores


def test_area_is_scikit_learn_s_ties_included() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 8, 200) / 8, rng.integers(0, 2, 200)
    assert roc_area(scores, labels).value == pytest.approx(roc_auc_score(labels, scores))


def test_delong_s_errors_are_what_repetition_shows() -> None:
    rng = np.random.default_rng(1)
    alone: list[tuple[float, float]] = []
    apart: list[tuple[float, float]] = []
    for _ in range(600):
        one, two = (roc_area(*s.two_classes or ()) for s in drawn_samples(rng, 200))
        alone.append((one.value, one.error))
        apart.append(one.difference(two))
    for found in (alone, apart):
        values, errors = zip(*found, strict=True)
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)


@pytest.mark.parametrize(
    ("need", "costs"),
    [("probabilities", None), ("decisions", None), ("decisions", Costs(1, 5)), ("ranking", None)],
)
def test_equal_models_are_rarely_told_apart(need: str, costs: Costs | None) -> None:
    rng = np.random.default_rng(2)
    told = [
        weigh_need(named(drawn_samples(rng, 150)), need, costs).as_good == ()  # pyright: ignore[reportArgumentType]
        for _ in range(300)
    ]
    assert np.mean(told) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_overconfidence_costs_probabilities_but_neither_decisions_nor_ranking() -> None:
    calm, sure = named(drawn_samples(np.random.default_rng(3), 2000, sure=6.0))
    assert recommend([calm, sure], "probabilities") == "For probabilities: a, by its loss."
    for need, what in (("decisions", "accuracy"), ("ranking", "area under the ROC curve")):
        said = recommend([calm, sure], need)  # pyright: ignore[reportArgumentType]
        assert said == f"For {need}: no evidence of a difference in {what}."


def test_better_ranking_is_found() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 1000)
    scores = labels + rng.normal(size=1000)
    models = [of_scores(scores, labels), of_scores(scores + 0.7 * rng.normal(size=1000), labels)]
    found = weigh_need(named(models), "ranking")
    assert (found.best, found.as_good, found.measure) == ("a", (), "area")
    assert found.values["a"] == pytest.approx(roc_auc_score(labels, scores))
    (difference,) = found.differences
    assert difference.basis == "paired"
    assert difference.interval.low > 0


def test_costs_choose_another_model_than_accuracy() -> None:
    """One model misses nothing, the other raises no false alarm; both are right as often."""
    labels = np.repeat([0, 1], 500)
    alarms, misses = np.where(np.arange(1000) < 100, 1, labels), labels.copy()
    misses[-100:] = 0
    models = named([of_scores(6.0 * (2 * guess - 1), labels) for guess in (alarms, misses)])
    assert "no evidence" in recommend(models, "decisions")
    assert recommend(models, "decisions", Costs(1, 10)).startswith("For decisions: a, by its cost")
    assert recommend(models, "decisions", Costs(10, 1)).startswith("For decisions: b, by its cost")
    found = weigh_need(models, "decisions", Costs(1, 10))
    assert found.values == pytest.approx({"a": 0.1, "b": 1.0})


def test_a_calibrated_model_costs_least_at_elkan_s_threshold() -> None:
    chance = np.random.default_rng(5).random(200_000)
    labels = np.random.default_rng(6).random(200_000) < chance
    cuts = np.linspace(0.05, 0.95, 19)
    paid = [decision_costs(chance, labels, Costs(1, 4, cut)).mean() for cut in cuts.tolist()]
    assert cuts[int(np.argmin(paid))] == pytest.approx(Costs(1, 4).cut)
    assert Costs(1, 4).cut == pytest.approx(0.2)


def test_costs_of_paired_decisions_are_student_s_test() -> None:
    models = named(drawn_samples(np.random.default_rng(7), 400))
    costs = Costs(2, 3)
    (found,) = weigh_need(models, "decisions", costs).differences
    paid = [
        decision_costs(*known, costs)
        for run in models
        if run.samples is not None and (known := run.samples.two_classes) is not None
    ]
    assert found.p_value == pytest.approx(stats.ttest_rel(*paid).pvalue)  # pyright: ignore
    assert found.measure == "cost"


def test_what_is_not_known_is_not_recommended() -> None:
    models = named(drawn_samples(np.random.default_rng(8), 100))
    without = [
        replace(run, samples=replace(run.samples, chance=None))
        for run in models
        if run.samples is not None
    ]
    for need, costs in (("ranking", None), ("decisions", Costs(1, 2))):
        found = weigh_need(without, need, costs)  # pyright: ignore[reportArgumentType]
        assert found.best is None
        assert "needs the probabilities of two classes" in found.sentence
    bare = [Measured("a", 0.1, None), Measured("b", 0.2, None)]
    assert weigh_need(bare, "decisions").best is None


def test_settings_are_weighed_over_their_seeds() -> None:
    rng = np.random.default_rng(9)
    runs = [
        Measured(f"{name}{seed}", mean + 0.02 * rng.normal(), 0.001, 900.0, 1000.0)
        for name, mean in (("wide", 0.4), ("deep", 0.3))
        for seed in range(4)
    ]
    groups = {name: [r.name for r in runs if r.name.startswith(name)] for name in ("wide", "deep")}
    found = weigh_need(runs, "probabilities", groups=groups)
    assert (found.best, found.as_good) == ("deep", ())
    assert {d.basis for d in found.differences} == {"seeds"}
    assert "no evidence" in weigh_need(runs, "decisions", groups=groups).sentence


@pytest.mark.parametrize(
    ("need", "costs"),
    [("ranking", Costs()), ("decisions", Costs(0, 1)), ("decisions", Costs(1, 1, 1.5))],
)
def test_costs_that_make_no_sense_are_refused(need: str, costs: Costs) -> None:
    with pytest.raises(InvalidArgument, match=r"expected .* Received: .* Fix: "):
        weigh_need(named(drawn_samples(np.random.default_rng(0), 50)), need, costs)  # pyright: ignore
