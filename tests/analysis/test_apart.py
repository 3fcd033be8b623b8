"""Runs that were validated on other data are not weighed against one another, and it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossmon.analysis import doubts, samples_words, validated_apart, weighing_sentences
from tests.analysis.trained import OUTPUT
from tests.analysis.validated import drawn, run, weighed

VALUES: dict[str, Any] = {**OUTPUT, "loss": "mean_squared_error", "shape": [None, 1]}


@pytest.mark.parametrize("sampled", [True, False])
def test_a_better_value_on_other_samples_is_no_better_model(*, sampled: bool) -> None:
    one, other = run("one", drawn(0)), run("other", drawn(1, 300), sure=0.3, first=9_000)
    found = weighed(one, other, sampled=sampled)
    assert [advice.best for advice in found.recommendations] == [None] * len(found.recommendations)
    assert found.recommendations[0].sentence == (
        "For probabilities: these runs do not tell, because they were not validated on the same "
        "samples."
    )
    assert (found.apart, found.differences, found.front) == (["one", "other"], (), ())
    assert list(doubts(found)) == [
        "They were not validated on the same samples (300 labels in one, 400 in another): what "
        "differs may be the data. Validate them on the same data."
    ]
    assert samples_words(found) == "not the same samples"
    # The values stay in sight.
    assert found.recommendations[0].values["one"] < found.recommendations[0].values["other"]
    advice = found.document()["recommendations"][0]
    assert (advice["not_compared"], advice["best"]) == (["one", "other"], None)
    assert validated_apart([one, other])


def test_as_many_labels_of_other_classes_are_those_of_other_samples() -> None:
    found = weighed(run("one", drawn(0)), run("other", drawn(1, share=0.2), first=9_000))
    (told,) = doubts(found)
    assert "(as many labels, but others)" in told


def test_what_may_be_the_same_samples_is_compared_with_the_doubt_beside_it() -> None:
    """As of inputs that were scaled in another way: the labels are the same, the keys are not."""
    labels = drawn(0)
    found = weighed(run("one", labels), run("other", labels, sure=0.3, first=9_000))
    assert found.recommendations[0].best == "one"
    assert not found.apart
    assert "may be one of the data" in next(iter(doubts(found)))


def test_samples_that_both_have_are_compared_whatever_else_they_have() -> None:
    labels = drawn(0)
    found = weighed(run("whole", labels), run("part", labels[:300], sure=0.3))
    assert (found.recommendations[0].best, found.shared, found.apart) == ("whole", 300, [])


def test_what_both_have_decides_where_it_gainsays_the_values() -> None:
    labels = drawn(0)
    hard = np.arange(400) >= 100
    better, poorer = run("better", labels), run("poorer", labels[~hard])
    # Worse on each sample that both have, and those are the easy ones.
    for document, losses in ((better, 0.2 + 2.0 * hard), (poorer, np.full(100, 0.4))):
        noise = np.random.default_rng(0).normal(0, 0.05, losses.size)
        document["samples"].loss[:] = losses + noise
        document["epochs"][0]["recomputed_loss"] = float(losses.mean())
    advice = weighed(better, poorer).recommendations[0]
    assert advice.values["better"] > advice.values["poorer"]
    assert (advice.best, advice.as_good) == ("better", ())


def test_of_several_runs_those_on_the_same_samples_are_weighed() -> None:
    labels = drawn(0)
    found = weighed(
        run("apart", drawn(1, 300), sure=9.0, first=9_000),
        run("good", labels),
        run("poor", labels, sure=0.3),
    )
    assert found.recommendations[0].sentence == (
        "For probabilities: good, by its loss (not compared, of other samples: apart)."
    )
    assert "apart" not in {name for d in found.differences for name in (d.first, d.second)}
    assert next(iter(doubts(found))).startswith("Not all were validated on the same samples (300")
    assert not any("no other beats" in told for told in weighing_sentences(found))


@pytest.mark.parametrize("same", [True, False])
def test_settings_over_seeds_need_the_same_data_too(*, same: bool) -> None:
    """Each seed may have a part of the data of its own, as long as both settings have them."""
    runs = [
        run(
            f"{name} {seed}",
            drawn(seed if same else place, 300 + seed + (0 if same else 50 * place)),
            sure=sure,
            first=1_000 * (seed if same else 10 * place + seed),
            units=units,
            seed=seed,
        )
        for place, (name, sure, units) in enumerate((("wide", 2.0, 64), ("narrow", 0.3, 8)))
        for seed in range(3)
    ]
    found = weighed(*runs)
    (best,) = {advice.best for advice in found.recommendations}
    assert best == ("units=64" if same else None)
    assert bool(found.group_differences) == same
    assert found.apart == ([] if same else ["units=64", "units=8"])


def test_models_of_values_are_told_the_same() -> None:
    runs = [run("one", drawn(0)), run("other", drawn(1, 300), first=9_000)]
    for document in runs:
        (row,) = document["epochs"]
        row |= {"correct": None, "judged": None, "baselines": {"rows": row["n"]}}
        document["outputs"] = [VALUES]
    found = weighed(*runs)
    assert found.recommendations[0].sentence == (
        "For predicted values: these runs do not tell, because they were not validated on the same "
        "samples."
    )
    (told,) = doubts(found)
    assert told.startswith("They were not validated on the same samples (300 labels in one")


def test_labels_that_were_not_all_seen_prove_nothing() -> None:
    one, other = run("one", drawn(0)), run("other", drawn(1, 300), first=9_000)
    for document in (one, other):
        document["epochs"][0]["coverage"] = 0.5
    assert not validated_apart([one, other])
    assert weighed(one, other).apart == []
