"""Models of values are compared by their losses, sample by sample, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lossmon.analysis import all_doubts, left_out_sentences, weigh
from lossmon.records import SampleRecord, SampleSet

COUNT = 300
OUTPUT = {
    "name": None,
    "loss": "mean_squared_error",
    "reduction": "sum_over_batch_size",
    "shape": [None, 1],
}
RNG = np.random.default_rng(0)
HARD = RNG.gamma(1.0, 1.0, COUNT)
LOSSES = {
    "good": HARD,
    "as good": HARD * RNG.uniform(0.8, 1.2, COUNT),
    "poor": HARD + RNG.normal(0.3, 0.3, COUNT),
    # Of targets in another unit, by which the keys of its samples are others.
    "in metres": HARD / 1000.0,
}


def run(name: str, **more: Any) -> dict[str, Any]:
    row = {"epoch": 3, "split": "val", "output": None, "accuracy": None, "correct": None}
    row |= {"judged": None, "loss_squares": 1.0, "n": COUNT, "weight": COUNT, "coverage": 1.0}
    loss = float(LOSSES[name].mean())
    row |= {"loss": loss, "recomputed_loss": loss}
    usual = {"id": name, "name": name, "config": {}, "findings": [], "outputs": [OUTPUT]}
    usual |= {"model": None, "environment": {}}
    return {**usual, "status": "finished", "epochs": [row], **more}


def samples(name: str, epoch: int, output: str | None) -> SampleRecord:
    keys = np.arange(COUNT, dtype=np.uint64) + (10_000 if name == "in metres" else 0)
    loss = LOSSES[name].astype(np.float32)
    return SampleRecord(epoch, "val", output, loss, None, None, None, SampleSet(keys, "inputs"))


def test_of_the_same_samples_the_better_model_is_found() -> None:
    documents = [run("good"), run("poor")]
    (found,) = weigh(documents, ["good", "poor"], samples)
    (advice,) = found.recommendations
    assert (advice.sentence, advice.best, advice.lead) == (
        "For predicted values: good, by its loss.",
        "good",
        "For predicted values",
    )
    (difference,) = found.differences
    chance = stats.ttest_rel(LOSSES["good"], LOSSES["poor"]).pvalue  # pyright: ignore
    assert difference.basis == "paired"
    assert difference.p_value == pytest.approx(chance, rel=1e-3)
    assert found.shared == COUNT
    assert (found.wins, found.front) == ((), ())
    assert left_out_sentences(documents, ["good", "poor"]) == []


def test_models_that_are_as_good_are_not_told_apart() -> None:
    (found,) = weigh([run("good"), run("as good")], ["good", "as good"], samples)
    said = found.recommendations[0].sentence
    assert said == "For predicted values: no evidence of a difference in loss."


def test_a_loss_in_another_unit_is_not_better() -> None:
    config = [{"units": units, "seed": seed} for units in (1, 2) for seed in (1, 2)]
    names = ["good", "as good", "in metres", "poor"]
    documents = [run(name, config=of) for name, of in zip(names, config, strict=True)]
    (found,) = weigh(documents[1:3], names[1:3], samples)
    (advice,) = found.recommendations
    assert (advice.best, found.differences) == (None, ())
    assert "on the same validation samples only" in advice.sentence
    # Nor are settings over seeds.
    (found,) = weigh(documents, names, samples)
    assert (found.groups, found.group_differences) == ((), ())
    assert found.recommendations[0].sentence == (
        "For predicted values: as good; no evidence that good is worse in loss (not compared, of "
        "other samples: in metres)."
    )
    assert {d.first for d in found.differences} | {d.second for d in found.differences} == {
        *("good", "as good", "poor")
    }


def test_that_each_was_trained_once_is_said_of_whom_it_is_true() -> None:
    absolute: dict[str, Any] = {"outputs": [OUTPUT | {"loss": "mean_absolute_error"}]}
    single = [run("good", config={"units": 8}), run("poor", config={"units": 9})]
    repeated = [
        run(one, config={"rate": one, "seed": seed}, **absolute) | {"name": f"{one} {seed}"}
        for one in ("good", "poor")
        for seed in (0, 1)
    ]

    def told(documents: list[dict[str, Any]]) -> list[str]:
        return all_doubts(weigh(documents, [one["name"] for one in documents], samples))

    once = "ach was trained once: with another seed they may end otherwise."
    assert told(single) == [f"E{once}"]
    assert told(repeated) == []
    assert told([*single, *repeated]) == [f"Of good, poor: e{once}"]
