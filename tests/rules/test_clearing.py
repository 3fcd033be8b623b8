"""Every rule of training says when, and takes back what no longer holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from lossmon.records import BatchRecord, Split
from lossmon.rules import ClippedFacts, Facts, GradientFacts, LayerGradient, UnitFacts, run_rules
from tests.rules.simulated import Classifier, Regression, Task
from tests.rules.test_never_predicted import OUTPUT, epoch, epochs
from tests.rules.test_training_rules import (
    CODES,
    FAULTS,
    Epochs,
    classifier,
    epochs_of,
    overfitted,
    too_low,
)

NAN = float("nan")
BARE = classifier(0).facts


class Course(NamedTuple):
    """What is known while a rule must speak, and when it must be silent again."""

    faulty: Facts
    recovered: Facts
    since: int


def of_rows(faulty: Epochs, later: Epochs, since: int) -> Course:
    return Course(BARE.after((), faulty), BARE.after((), faulty + later), since)


def numbered(records: Epochs, first: int) -> Epochs:
    for place, record in enumerate(records):
        record.epoch = first + place
    return records


def nonfinite() -> Course:
    return of_rows(epochs_of(1.0, NAN, NAN), numbered(epochs_of(0.9), 3), since=2)


def learning_after(code: str, since: int) -> Callable[[], Course]:
    """An injected fault, after which the run learns as it should."""

    def course() -> Course:
        learner, records = (too_low if code == "LM415" else FAULTS[code])(0)
        splits: dict[Split, None] = dict.fromkeys(record.split for record in records)
        last = records[-1].epoch
        later = [
            learner.epoch(last + i, split, 1 - 0.8**i)
            if isinstance(learner, Regression)
            else learner.epoch(last + i, split, learner.task.sharpness * (1 - 0.8**i))
            for i in range(1, 25)
            for split in splits
        ]
        return Course(learner.after(records), learner.after(records + later), since)

    return course


def clipped() -> Course:
    seen = [ClippedFacts(i, "train", None, 1000, n, 16.118) for i, n in enumerate((0, 40, 50, 9))]
    return Course(BARE.after((), (), clipped=seen[:3]), BARE.after((), (), clipped=seen), 2)


def diverged() -> Course:
    learner, records = overfitted(0)
    later = [learner.epoch(25 + i, "val", 1.5) for i in range(8)]
    return Course(learner.after(records), learner.after(records + later), 1)


def too_sure() -> Course:
    """Probabilities that promise too much from the fourth epoch on, then keep their promise."""
    learner = Classifier(Task(classes=3, sharpness=1.0, val=2000), np.random.default_rng(0))
    sharpness = [1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 4.0]
    records = [learner.epoch(i, "val", sure) for i, sure in enumerate(sharpness)]
    calibrated = [learner.epoch(7, "val", 1.0)]
    return Course(learner.after(records), learner.after(records + calibrated), 4)


def slow() -> Course:
    learner = Regression(Task(train=4000), np.random.default_rng(0))
    learner.noise = 0.0
    records = [learner.epoch(i, "train", 0.001 * i) for i in range(15)]
    faster = [learner.epoch(15 + i, "train", 0.015 + 0.1 * i) for i in range(6)]
    return Course(learner.after(records), learner.after(records + faster), 1)


def gradients(norms: list[float], chains: list[list[float]]) -> list[GradientFacts]:
    return [
        GradientFacts(8 * i, i // 4, norm, layers=tuple(kernels(chain)))
        for i, (norm, chain) in enumerate(zip(norms, chains, strict=True))
    ]


def kernels(chain: list[float]) -> list[LayerGradient]:
    return [LayerGradient(f"dense_{i}", size, 0.1, size * 1e-3) for i, size in enumerate(chain)]


def vanished() -> Course:
    shrinking, sound = [10.0 ** -(8 - i) for i in range(7)], [0.1] * 7
    sampled = gradients([1.0] * 48, [shrinking] * 12 + [sound] * 36)
    # The last 32 samples are looked at.
    faulty, recovered = (BARE.after((), (), gradients=sampled[:n]) for n in (12, 48))
    return Course(faulty, recovered, 1)


def exploded() -> Course:
    norms = [1.0] * 4 + [2.0**i for i in range(12)] + [50.0] * 3
    sampled = gradients(norms, [[]] * len(norms))
    faulty, recovered = (BARE.after((), (), gradients=sampled[:n]) for n in (16, 19))
    return Course(faulty, recovered, 1)


def died() -> Course:
    seen = [UnitFacts("dense", i, 128, 32, n) for i, n in enumerate((10, 28, 29, 30, 12))]
    return Course(BARE.after((), (), units=seen[:4]), BARE.after((), (), units=seen), 2)


def missed() -> Course:
    """The rare class is predicted at last."""
    facts, later = Facts((OUTPUT,)), [epoch(10 + i, found=5) for i in range(2)]
    return Course(facts.after((), epochs()), facts.after((), [*epochs(), *later]), 1)


COURSES: dict[str, Callable[[], Course]] = {
    "LM401": nonfinite,
    "LM403": learning_after("LM403", 1),
    "LM404": learning_after("LM404", 1),
    "LM405": clipped,
    "LM406": diverged,
    "LM407": too_sure,
    "LM408": learning_after("LM408", 1),
    "LM409": learning_after("LM409", 3),
    "LM410": learning_after("LM410", 11),
    "LM411": slow,
    "LM412": vanished,
    "LM413": exploded,
    "LM414": died,
    "LM415": learning_after("LM415", 1),
    "LM416": missed,
}


# A number that was printed wrong stays wrong.
LASTING = ["LM402"]


def test_every_rule_of_training_has_a_course() -> None:
    assert sorted([*COURSES, *LASTING]) == CODES


@pytest.mark.parametrize("code", COURSES)
def test_a_rule_says_since_when_and_takes_it_back(code: str) -> None:
    course = COURSES[code]()
    (finding,) = run_rules(course.faulty, [code])
    assert finding.evidence["since_epoch"] == course.since
    assert f"since epoch {course.since}" in finding.message
    assert run_rules(course.recovered, [code]) == []


def test_one_spoiled_batch_is_taken_back_by_the_next_epoch() -> None:
    spoiled = BatchRecord(30, 3, 2, "train", None, 0.0, loss=NAN)
    before, after = epochs_of(1.0, 1.0, 1.0), epochs_of(1.0, 1.0, 1.0, 1.0)
    (finding,) = run_rules(BARE.after((spoiled,), before), ["LM401"])
    assert "since epoch 4, batch 2" in finding.message
    assert run_rules(BARE.after((spoiled,), after), ["LM401"]) == []
