"""At the end of a training less patience is asked for: no more epochs come that might do better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lossmon.records import Finding
from lossmon.rules import GradientFacts, LayerGradient, OutputRange, run_rules
from tests.rules.simulated import Classifier, Regression, Task, healthy
from tests.rules.test_memorising import memorising
from tests.rules.test_training_rules import CODES, Epochs, classifier, flags

RUNS = 200
ALLOWED = RUNS // 100


def said(
    learner: Classifier | Regression, epochs: Epochs, *, ended: bool = True, codes: Sequence[str]
) -> list[Finding]:
    facts = learner.after(epochs)
    assert facts.training is not None
    return run_rules(replace(facts, training=replace(facts.training, ended=ended)), codes)


def before(records: Epochs, epoch: int) -> Epochs:
    return [record for record in records if record.epoch < epoch]


def test_healthy_trainings_that_end_early_are_flagged_in_one_of_a_hundred_at_most() -> None:
    flagged: list[Finding] = []
    for seed in range(RUNS):
        learner, records = healthy(seed)
        epochs = before(records, 3 + seed % 13)
        flagged += said(learner, epochs, codes=["LM404"])
    assert len(flagged) <= ALLOWED, flagged


def memorising_slowly(seed: int) -> tuple[Classifier, Epochs]:
    """Labels that belong to no inputs, of which 12 epochs have learned little by heart."""
    learner = classifier(seed, classes=4, sharpness=0.0)
    epochs: Epochs = []
    for i in range(12):
        epochs.append(learner.epoch(i, "train", 0.04 * (i + 1), seen=0.01 * i))
        epochs.append(learner.epoch(i, "val", 0.04 * (i + 1)))
    return learner, epochs


def test_labels_that_do_not_belong_are_named_when_it_has_ended() -> None:
    while_it_trains = named = 0
    for seed in range(20):
        learner, epochs = memorising_slowly(seed)
        while_it_trains += bool(said(learner, epochs, ended=False, codes=["LM404"]))
        found = {finding.code: finding for finding in said(learner, epochs, codes=CODES)}
        assert flags(found) <= {"LM404"}
        named += "LM404" in found
    assert named >= max(12, while_it_trains + 4)


def test_it_says_what_was_measured() -> None:
    learner, epochs = memorising_slowly(2)
    (finding,) = said(learner, epochs, codes=["LM404"])
    evidence = finding.evidence
    assert evidence["loss"] > evidence["constant_loss"]
    assert evidence["standard_errors"] > 2.33
    assert finding.message.startswith("the training has ended with a validation loss of ")
    assert f"since epoch {evidence['since_epoch']} (of 12)" in finding.message


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_nothing_is_said_of_few_epochs(epochs: int) -> None:
    learner, records = memorising(0)
    assert said(learner, before(records, epochs), codes=["LM404"]) == []


def approaching(shares: Sequence[float]) -> list[Finding]:
    """What is said of a regression that began far away from its targets."""
    learner = Regression(Task(), np.random.default_rng(0))
    learner.noise = 0.0
    epochs = [learner.epoch(i, "train", share) for i, share in enumerate(shares)]
    return said(learner, epochs, codes=["LM404"])


def test_what_learns_and_would_soon_be_better_is_not_flagged() -> None:
    assert approaching(np.linspace(-6.0, -0.5, 12).tolist()) == []
    assert approaching(np.linspace(-6.0, -2.0, 6).tolist()) == []


def test_what_hardly_moves_is_flagged_with_the_advice_to_move_faster() -> None:
    (finding,) = approaching(np.linspace(-6.0, -5.9, 12).tolist())
    assert "too slowly to get below it in as many epochs again" in finding.message
    assert finding.fix.startswith("model.optimizer.learning_rate = 0.01")
    assert finding.evidence["summary"] == "A constant answer would do better"


def leaving(seed: int, noise: float) -> tuple[Classifier, Epochs]:
    """Eleven epochs that come down to a constant's loss, and one that begins to leave it."""
    learner, bias = classifier(seed, classes=4, noise=noise), np.array([0.3, 0.1, 0.0, 0.0])
    epochs = [
        learner.epoch(i, split, 0.05 * (i > 10), bias=bias * 0.7**i)
        for i in range(12)
        for split in ("train", "val")
    ]
    return learner, epochs


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_classifier_that_ends_where_a_constant_is_is_flagged(seed: int) -> None:
    learner, epochs = leaving(seed, noise=3.0)
    assert said(learner, epochs, ended=False, codes=["LM403", "LM404"]) == []
    (finding,) = said(learner, epochs, codes=["LM403", "LM404"])
    assert finding.message.endswith("an accuracy no better than its; it still falls.")
    assert finding.fix.startswith("model.fit(x, y, epochs=24)")
    # Answers that are right more often than a constant's show that it has learned.
    assert said(*leaving(seed, noise=0.0), codes=["LM403", "LM404"]) == []


def test_of_a_classifier_that_ends_there_a_gradient_that_vanishes_is_told() -> None:
    learner, epochs = leaving(2, noise=3.0)
    layers = tuple(LayerGradient(f"dense_{i}", 10.0 ** (i - 8), 0.1, update=1e-3) for i in range(8))
    gradients = [GradientFacts(i, i, 1.0, layers=layers) for i in range(12)]
    facts = learner.after(epochs)
    assert facts.training is not None
    training = replace(facts.training, gradients=gradients, ended=True)
    # The optimizer makes up for it, so that LM412 is silent.
    (finding,) = run_rules(replace(facts, training=training), ["LM404", "LM412"])
    assert finding.code == "LM404"
    assert "the gradient shrinks from 0.1 at layer 'dense_7' to 1e-08" in finding.message
    assert finding.fix.startswith("keras.layers.BatchNormalization()")


def test_a_regression_that_explains_little_is_not_flagged_for_it() -> None:
    learner = Regression(Task(), np.random.default_rng(0))
    learner.noise = 0.0
    epochs = [learner.epoch(i, "train", 0.001 * i) for i in range(12)]
    assert said(learner, epochs, codes=["LM404"]) == []


SIGMOID = OutputRange(0.0, 1.0, normalised=False, proof="graph")


def crawling(*, scale: float = 1.0, values: OutputRange | None = None) -> Regression:
    learner = Regression(Task(train=4000), np.random.default_rng(0), scale=scale)
    learner.noise = 0.0
    (output,) = learner.facts.outputs
    learner.facts = replace(learner.facts, outputs=(replace(output, range=values),))
    return learner


@pytest.mark.parametrize(
    ("scale", "values", "cause", "fix"),
    [
        (1e4, None, "LM504 (unscaled-targets)", "y = (y - y.mean(axis=0)) / y.std(axis=0)"),
        (10.0, SIGMOID, "LM109 (output-range-misses-targets)", "keras.layers.Dense(1)  # no "),
    ],
)
def test_a_cause_that_is_known_is_mended_and_not_the_learning_rate(
    scale: float, values: OutputRange | None, cause: str, fix: str
) -> None:
    for shares in (np.linspace(-6.0, -5.9, 12), np.full(12, -6.0)):
        learner = crawling(scale=scale, values=values)
        epochs = [learner.epoch(i, "train", share) for i, share in enumerate(shares)]
        (finding,) = said(learner, epochs, codes=["LM404"])
        assert f"{cause} tells what is to be mended first." in finding.message
        assert finding.fix.startswith(fix)
        assert "learning_rate" not in finding.fix


def test_of_a_known_cause_no_slow_convergence_is_told() -> None:
    shares = [0.001 * i for i in range(20)]
    for scale, values, told in ((1.0, None, ["LM411"]), (1e4, None, []), (10.0, SIGMOID, [])):
        learner = crawling(scale=scale, values=values)
        epochs = [learner.epoch(i, "train", share) for i, share in enumerate(shares)]
        assert [f.code for f in said(learner, epochs, codes=["LM411"])] == told


@pytest.mark.parametrize(("rate", "advised"), [(1e-6, "0.001"), (1e-5, "0.0001"), (1e-3, "0.01")])
def test_far_below_what_is_usual_the_usual_rate_is_named(rate: float, advised: str) -> None:
    learner = crawling()
    learner.facts = replace(learner.facts, usual_rate=1e-3)
    for shares, code in ((np.linspace(-6.0, -5.9, 12), "LM404"), (np.arange(20) / 1e3, "LM411")):
        epochs = [learner.epoch(i, "train", share, rate=rate) for i, share in enumerate(shares)]
        (finding,) = said(learner, epochs, codes=[code])
        assert finding.fix.split("  #")[0] == f"model.optimizer.learning_rate = {advised}"


def test_validation_data_of_other_labels_are_not_overfitted() -> None:
    # From the first epoch on each answer is wrong, and surer from epoch to epoch.
    learner = classifier(0, classes=4, sharpness=4.0)
    epochs: Epochs = []
    for i in range(9):
        epochs.append(learner.epoch(i, "train", 1.0 + 0.4 * i))
        epochs.append(learner.epoch(i, "val", -1.0 - 0.4 * i))
    assert [f.code for f in said(learner, epochs, ended=False, codes=["LM404", "LM408"])] == []
    assert [f.code for f in said(learner, epochs, codes=["LM404", "LM408"])] == ["LM404"]
