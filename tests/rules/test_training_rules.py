"""Simulated runs: the healthy ones stay silent to the end, and every injected fault is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossmon.records import BatchRecord, EpochRecord, Finding, Split
from lossmon.rules import Facts, UnitFacts, all_rules, run_rules
from tests.rules.simulated import Classifier, Regression, Task, healthy

CODES = [rule.code for rule in all_rules() if rule.code.startswith("LM4")]
RUNS = 200
ALLOWED = RUNS // 100
# Of twenty; noise may look like a trend, and keeps rules silent for an epoch.
RECALLED = 16

Epochs = list[EpochRecord]


def asked(learner: Classifier | Regression, records: Epochs) -> Iterator[list[Finding]]:
    """What the rules say at the end of each epoch, as a run asks them."""
    for epoch in range(records[-1].epoch + 1):
        yield run_rules(learner.after([r for r in records if r.epoch <= epoch]), CODES)


def at_the_end(learner: Classifier | Regression, records: Epochs) -> dict[str, Finding]:
    return {finding.code: finding for finding in run_rules(learner.after(records), CODES)}


def flags(findings: dict[str, Finding]) -> set[str]:
    return {code for code, finding in findings.items() if finding.severity != "info"}


def classifier(seed: int, **task: float) -> Classifier:
    return Classifier(replace(Task(), **task), np.random.default_rng(seed))


@pytest.fixture(scope="module")
def told_of_healthy_runs() -> dict[int, list[list[Finding]]]:
    """What is said of seeds 0 to 199 after every epoch."""
    return {seed: [*asked(*healthy(seed))] for seed in range(RUNS)}


def test_healthy_runs_are_flagged_in_one_of_a_hundred_at_most(
    told_of_healthy_runs: dict[int, list[list[Finding]]],
) -> None:
    # A flag that was withdrawn later counts.
    flagged = {
        seed: finding.message
        for seed, told in told_of_healthy_runs.items()
        for findings in told
        for finding in findings
        if finding.severity != "info"
    }
    assert len(flagged) <= ALLOWED, flagged


def test_advice_is_rare_on_healthy_runs(
    told_of_healthy_runs: dict[int, list[list[Finding]]],
) -> None:
    advised = [seed for seed, told in told_of_healthy_runs.items() if told[-1]]
    assert len(advised) <= 2 * ALLOWED


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(10_000, 2**32 - 1))
def test_random_healthy_runs_end_without_a_flag(seed: int) -> None:
    assert flags(at_the_end(*healthy(seed))) == set()


def constant(seed: int) -> tuple[Classifier, Epochs]:
    learner = classifier(seed, classes=3, noise=0.0)
    rng = np.random.default_rng(seed)
    bias = np.array([0.3, 0.0, 0.0])
    epochs = [
        learner.epoch(i, split, 0.0, bias=bias + 0.01 * rng.normal(size=3))
        for i in range(20)
        for split in ("train", "val")
    ]
    return learner, epochs


def no_better(seed: int) -> tuple[Classifier, Epochs]:
    learner = classifier(seed, classes=4, sharpness=0.0)
    rng = np.random.default_rng(seed)
    knows = 0.05 * rng.random(20)
    return learner, [
        learner.epoch(i, split, knows[i]) for i in range(20) for split in ("train", "val")
    ]


def diverging(seed: int) -> tuple[Regression, Epochs]:
    learner = Regression(Task(), np.random.default_rng(seed))
    shares = [0.5, 0.8, 0.9, *(0.95 + 0.3 * 1.3**i for i in range(12))]
    return learner, [learner.epoch(i, "train", share) for i, share in enumerate(shares)]


def bursting(seed: int) -> tuple[Regression, Epochs]:
    learner = Regression(Task(), np.random.default_rng(seed))
    shares = [0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 60.0, 40.0, 31.0, 28.0, 30.0, 27.0, 26.0, 25.0]
    return learner, [learner.epoch(i, "train", share) for i, share in enumerate(shares)]


def oscillating(seed: int) -> tuple[Regression, Epochs]:
    learner = Regression(Task(), np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    shares = [0.2, 0.5, *(0.5 + 0.5 * (-1) ** i + 0.1 * rng.random() for i in range(18))]
    return learner, [learner.epoch(i, "train", share) for i, share in enumerate(shares)]


def too_high(seed: int) -> tuple[Classifier, Epochs]:
    learner = classifier(seed, classes=3)
    rng = np.random.default_rng(seed)
    scales = [20.0 + 20.0 * (i % 2) + 5.0 * rng.random() for i in range(20)]
    return learner, [learner.epoch(i, "train", -scale) for i, scale in enumerate(scales)]


def too_low(seed: int) -> tuple[Classifier, Epochs]:
    learner = classifier(seed, classes=3, noise=0.0)
    return learner, [learner.epoch(i, "train", -0.3) for i in range(8)]


def overfitted(seed: int) -> tuple[Classifier, Epochs]:
    learner = classifier(seed, classes=3, sharpness=1.5, train=500, val=800)
    epochs: Epochs = []
    for i in range(25):
        epochs.append(learner.epoch(i, "train", 1.5 + 0.3 * i, seen=0.5 * i))
        epochs.append(learner.epoch(i, "val", 1.5 + 0.3 * i))
    return learner, epochs


FAULTS: dict[str, Callable[[int], tuple[Classifier | Regression, Epochs]]] = {
    "LM403": constant,
    "LM404": no_better,
    "LM408": overfitted,
    "LM409": diverging,
    "LM410": oscillating,
    "LM415": too_high,
}


def test_a_loss_that_bursts_and_stays_there_diverges() -> None:
    named = [at_the_end(*bursting(seed)) for seed in range(20)]
    assert all(flags(found) == {"LM409"} for found in named), named
    assert all(found["LM409"].evidence["since_epoch"] <= 6 for found in named)


def test_a_rate_that_was_raised_is_put_back() -> None:
    learner, records = bursting(0)
    fix = at_the_end(learner, records)["LM409"].fix
    assert fix.startswith("model.optimizer.learning_rate = 0.0001  # or clipnorm")
    raised = [replace(r, learning_rate=0.02 if r.epoch < 6 else 50.0) for r in records]
    since = at_the_end(learner, raised)["LM409"].evidence["since_epoch"]
    assert at_the_end(learner, raised)["LM409"].fix == (
        f"model.optimizer.learning_rate = 0.02  # as in epoch {since}; it is 50 now"
    )


@pytest.mark.parametrize("code", FAULTS)
def test_an_injected_fault_is_named_and_nothing_else(code: str) -> None:
    named = [flags(at_the_end(*FAULTS[code](seed))) for seed in range(20)]
    assert sum(found == {code} for found in named) >= RECALLED, named
    assert all(found <= {code} for found in named), named


def test_a_run_that_does_not_move_is_named() -> None:
    assert all(flags(at_the_end(*too_low(seed))) == {"LM415"} for seed in range(20))


@pytest.mark.parametrize("make", [too_low, no_better])
def test_where_all_units_are_dead_nothing_else_is_blamed(
    make: Callable[[int], tuple[Classifier, Epochs]],
) -> None:
    learner, records = make(1)
    facts = learner.after(records)
    assert facts.training is not None
    assert flags({f.code: f for f in run_rules(facts, CODES)}) <= {"LM404", "LM415"}
    dead = [UnitFacts("dense", epoch, 128, 32, 32) for epoch in range(records[-1].epoch + 1)]
    training = replace(facts.training, units=dead)
    found = run_rules(replace(facts, training=training), CODES)
    assert [finding.code for finding in found] == ["LM414"]


def test_evidence_says_since_when_and_by_how_much() -> None:
    finding = at_the_end(*diverging(0))["LM409"]
    assert finding.evidence["since_epoch"] in (1, 2, 3)
    before, after = finding.evidence["loss"]
    assert after > before
    assert finding.evidence["standard_errors"] > finding.evidence["standard_errors_needed"] > 2


def test_overfitting_is_overconfident_as_well() -> None:
    finding = at_the_end(*overfitted(1))["LM407"]
    assert finding.severity == "info"
    assert finding.evidence["gap"] > 0.05 + 2 * finding.evidence["standard_error"]


def test_what_no_longer_holds_is_withdrawn() -> None:
    learner, records = diverging(0)
    assert "LM409" in at_the_end(learner, records)
    recovered = [learner.epoch(15 + i, "train", 0.95) for i in range(8)]
    assert flags(at_the_end(learner, records + recovered)) == set()


@pytest.mark.parametrize("code", FAULTS)
def test_a_run_that_learns_after_all_is_cleared(code: str) -> None:
    learner, records = FAULTS[code](0)
    assert code in at_the_end(learner, records)
    last = records[-1].epoch
    splits: dict[Split, None] = dict.fromkeys(record.split for record in records)
    if code == "LM404":
        # Its inputs said nothing of their labels; whoever learns those alone is not cleared.
        learner = classifier(0, classes=4)
    recovered = [
        learner.epoch(last + i, split, 1 - 0.8**i)
        if isinstance(learner, Regression)
        else learner.epoch(last + i, split, learner.task.sharpness * (1 - 0.8**i), seen=0.1 * i)
        for i in range(1, 25)
        for split in splits
    ]
    assert flags(at_the_end(learner, records + recovered)) == set()


def test_one_spike_is_no_divergence() -> None:
    learner = Regression(Task(), np.random.default_rng(5))
    shares = [1 - 0.8**i for i in range(1, 20)] + [9.0, 0.98, 0.98]
    records = [learner.epoch(i, "train", share) for i, share in enumerate(shares)]
    assert all(
        flags({f.code: f for f in findings}) == set() for findings in asked(learner, records)
    )


def test_a_schedule_that_raises_the_rate_may_swing() -> None:
    learner, records = oscillating(0)
    cyclic = [replace(r, learning_rate=1e-3 * (1 + r.epoch % 2)) for r in records]
    assert "LM410" in at_the_end(learner, records)
    assert flags(at_the_end(learner, cyclic)) == set()


def test_slow_learning_is_advice_and_levelling_off_is_not_slow() -> None:
    learner = Regression(Task(train=4000), np.random.default_rng(0))
    learner.noise = 0.0
    slow = [learner.epoch(i, "train", 0.001 * i) for i in range(20)]
    assert [f.code for f in run_rules(learner.after(slow), CODES)] == ["LM411"]
    level = [learner.epoch(i, "train", 0.02 * (1 - 0.6**i)) for i in range(20)]
    assert at_the_end(learner, level) == {}


@pytest.mark.parametrize(("rate", "named"), [(1.0, True), (1e-3, False)])
def test_one_class_alone_is_what_a_rate_far_above_the_usual_one_makes(
    rate: float, *, named: bool
) -> None:
    learner, records = constant(0)
    facts = learner.after([replace(record, learning_rate=rate) for record in records])
    assert facts.training is not None
    dead = tuple(UnitFacts("dense", epoch, 128, 32, 32) for epoch in range(20))
    facts = replace(facts, usual_rate=1e-3, training=replace(facts.training, units=dead))
    (finding,) = run_rules(facts, ["LM403"])
    assert ("1000 times what is usual for the optimizer" in finding.message) == named
    assert finding.fix.startswith("model.optimizer.learning_rate = 0.001") == named


def test_dominant_classes_may_be_predicted_alone() -> None:
    learner = classifier(2, classes=2, prior=3.0, noise=0.0, sharpness=0.5)
    records = [learner.epoch(i, "train", 0.0) for i in range(12)]
    assert "LM403" not in at_the_end(learner, records)


def test_losses_that_are_not_called_as_compiled_are_not_judged() -> None:
    learner, records = diverging(0)
    output = replace(learner.facts.outputs[0], compiled_used=False)
    facts = replace(learner.after(records), outputs=(output,))
    assert run_rules(facts, CODES) == []


def test_nothing_is_said_of_two_epochs() -> None:
    for inject in FAULTS.values():
        learner, records = inject(0)
        assert run_rules(learner.after([r for r in records if r.epoch < 2]), CODES) == []
    assert run_rules(Facts(()).after([], []), CODES) == []


def epochs_of(*losses: float, **more: object) -> Epochs:
    return [
        EpochRecord(i, "train", None, 0.0, loss=loss, reported_loss=loss, n=10, **more)  # type: ignore[arg-type]
        for i, loss in enumerate(losses)
    ]


def said(epochs: Epochs, *batches: BatchRecord) -> list[tuple[str, object]]:
    facts = classifier(0).facts.after(batches, epochs)
    return [(f.code, f.evidence["since_epoch"]) for f in run_rules(facts, ["LM401"])]


def test_a_loss_that_is_finite_again_is_no_longer_named() -> None:
    nan = float("nan")
    assert said(epochs_of(1.0, nan, nan)) == [("LM401", 2)]
    assert said(epochs_of(1.0, nan, 1.0)) == []
    spoiled = BatchRecord(30, 3, 2, "train", None, 0.0, loss=nan)
    assert said(epochs_of(1.0, nan, 1.0), spoiled) == [("LM401", 4)]
    assert said(epochs_of(1.0, nan, 1.0, 1.0), spoiled) == []


def differing(*statuses: str, split: Split = "train", output: str | None = None) -> Epochs:
    epochs = epochs_of(*(1.0 for _ in statuses))
    for epoch, status in zip(epochs, statuses, strict=True):
        epoch.split, epoch.output, epoch.status = split, output, status  # type: ignore[assignment]
        if status == "mismatch":
            epoch.reason = f"loss of the epoch: Keras says {epoch.epoch}"
    return epochs


GOOD, WRONG = "verified", "mismatch"
DIFFERING = [
    ([GOOD, WRONG], "2", "in epoch 2 (of 2): loss of the epoch: Keras says 1."),
    ([GOOD, WRONG, GOOD, GOOD], "2", "in epoch 2 (of 4): loss of the epoch: Keras says 1."),
    (
        [WRONG, GOOD, WRONG, WRONG, GOOD],
        "1, 3–4",
        "in epochs 1, 3–4 (of 5); in epoch 1, loss of the epoch: Keras says 0.",
    ),
    (
        [GOOD, WRONG] * 9,
        "2, 4, 6, …, 18",
        "in epochs 2, 4, 6, …, 18 (of 18); in epoch 2, loss of the epoch: Keras says 1.",
    ),
]


@pytest.mark.parametrize(("statuses", "wrong", "words"), DIFFERING)
def test_a_mismatch_stays_and_tells_its_epochs(statuses: list[str], wrong: str, words: str) -> None:
    (found,) = run_rules(classifier(0).facts.after((), differing(*statuses)), ["LM402"])
    assert found.evidence["wrong_epochs"] == wrong
    assert found.message == (
        f"training values that Keras printed differ from the recomputed ones {words}"
    )


def test_one_mismatch_tells_of_all_splits_of_an_output() -> None:
    both = differing(GOOD, WRONG, GOOD, output="a") + differing(
        WRONG, GOOD, WRONG, split="val", output="a"
    )
    others = differing(GOOD, GOOD, output="b")
    (found,) = run_rules(classifier(0).facts.after((), both + others), ["LM402"])
    assert found.output == "a"
    assert found.message.endswith(
        "in epoch 2 (of 3): loss of the epoch: Keras says 1. "
        "So do validation values in epochs 1, 3 (of 3)."
    )


def test_words_and_evidence_count_epochs_alike() -> None:
    for make in (constant, no_better, diverging, oscillating, too_low):
        for finding in at_the_end(*make(3)).values():
            told = re.search(r"since epoch (\d+)", finding.message)
            if told is not None:
                assert int(told[1]) == finding.evidence["since_epoch"], finding
