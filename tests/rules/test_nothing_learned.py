"""Of a loss that stays where it was the cause is named that is known; the rate only where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lossmon.records import EpochRecord, Finding
from lossmon.rules import Facts, GradientFacts, LayerGradient, describe_input, run_rules
from tests.rules.simulated import Classifier
from tests.rules.test_training_rules import CODES, Epochs, classifier, no_better, too_low

RNG = np.random.default_rng(0)
# Millionths of the first loss, of real fits: at rates of 1e-6 and 1e-8, and of others that had
# nothing to learn, at sound ones.
TOO_LOW = {
    "sgd": [0.0, -2.7, -5.4, -8.1, -10.8, -13.5, -16.2, -18.9],
    "adam": [0.0, -2.98, -5.91, -8.83, -11.74, -14.65, -17.56, -20.48],
}
LEVEL = {
    "noise": [0.0, 93.8, 88.0, 84.9, 83.2, 82.1, 81.3, 80.7, 80.3, 80.0, 79.7, 79.5, 79.3, 79.1],
    "exclusive or": [0.0, 14.8, 17.9, 19.2, 19.9, 20.4, 20.8, 21.0, 21.2, 21.4, 21.5, 21.6],
    "zeros": [0.0, -9.4, -15.3, -18.4, -19.3, -18.4, -16.2, -12.9, -8.8, -4.1, 1.0, 6.3, 11.8],
    "levelling off": [0.0, -50.0, -75.0, -88.0, -94.0, -97.0, -98.5, -99.2],
    "wavering": [0.0, 31.0, -12.0, 17.0, -22.0, 9.0, -30.0, 14.0, -8.0, 25.0],
}


def moved(millionths: list[float]) -> tuple[Classifier, Epochs]:
    learner, _ = too_low(0)
    records = [learner.epoch(i, "train", -0.3) for i in range(len(millionths))]
    return learner, [
        replace(record, recomputed_loss=(record.recomputed_loss or 0.0) * (1 + part / 1e6))
        for record, part in zip(records, millionths, strict=True)
    ]


def told(facts: Facts) -> dict[str, Finding]:
    found = run_rules(facts, [*CODES, "LM503"])
    return {finding.code: finding for finding in found if finding.severity != "info"}


def sampled(gradient: float, update: float | None, weight: float = 0.1) -> list[GradientFacts]:
    kernel = LayerGradient("dense", gradient, weight, update)
    return [GradientFacts(8 * i, i, gradient or 0.1, layers=(kernel,)) for i in range(4)]


def with_gradients(facts: Facts, gradients: list[GradientFacts]) -> Facts:
    assert facts.training is not None
    return replace(facts, training=replace(facts.training, gradients=gradients))


@pytest.mark.parametrize("course", TOO_LOW)
def test_a_loss_that_falls_straight_and_hardly_wants_a_higher_rate(course: str) -> None:
    learner, records = moved(TOO_LOW[course])
    for count in range(6, len(records) + 1):
        assert list(told(learner.after(records[:count]))) == ["LM415"]


@pytest.mark.parametrize("course", LEVEL)
def test_about_a_level_that_is_reached_the_rate_is_not_to_blame(course: str) -> None:
    learner, records = moved(LEVEL[course])
    for count in range(1, len(records) + 1):
        assert "LM415" not in told(learner.after(records[:count]))


def test_what_is_at_the_level_of_a_constant_is_told_that() -> None:
    learner, records = moved(LEVEL["wavering"])
    finding = told(learner.after(records))["LM404"]
    assert finding.message.endswith("it has stopped falling.")


def test_a_rate_that_is_raised_is_not_too_low() -> None:
    learner, records = moved(TOO_LOW["sgd"])
    rising = [replace(record, learning_rate=1e-8 * (1 + record.epoch)) for record in records]
    assert told(learner.after(rising)) == {}


def test_steps_that_move_the_weights_are_not_too_small() -> None:
    learner, records = moved(TOO_LOW["adam"])
    facts = learner.after(records)
    assert "LM415" not in told(with_gradients(facts, sampled(0.1, 1e-3)))
    assert "LM415" in told(with_gradients(facts, sampled(0.1, 1e-8)))
    assert "LM415" in told(with_gradients(facts, sampled(0.1, None)))
    # A kernel that was born as zeros is as small as what moved it.
    assert "LM415" in told(with_gradients(facts, sampled(0.1, 1e-8, weight=1e-7)))


@pytest.mark.parametrize("make", [too_low, no_better])
def test_kernels_without_a_gradient_are_named(
    make: Callable[[int], tuple[Classifier, Epochs]],
) -> None:
    learner, records = make(1)
    more = [learner.epoch(records[-1].epoch + i, "train", -0.3) for i in range(1, 8)]
    facts = with_gradients(learner.after([*records, *more]), sampled(0.0, None))
    found = told(facts)
    assert set(found) == {"LM404"}
    assert found["LM404"].message.endswith("the gradient of every kernel is 0.")
    assert "same output for different inputs" in found["LM404"].fix


def test_a_bad_model_without_trainable_weights_is_told_so() -> None:
    for seed in range(5):
        learner, records = too_low(seed)
        facts = replace(learner.after(records), trainable=False)
        found = told(facts)
        assert set(found) == {"LM404"}
        assert found["LM404"].message.startswith(
            "the model has no trainable weights: the training loss stays at "
        )
        assert found["LM404"].fix.startswith("model.trainable = True  # before model.compile")
        assert found["LM404"].evidence["summary"] == "The model has no trainable weights"
        assert set(told(replace(facts, trainable=True))) == {"LM415"}


def still(sharpness: float) -> Facts:
    learner = classifier(0, classes=3, noise=0.0)
    records: list[EpochRecord] = [learner.epoch(i, "train", sharpness) for i in range(12)]
    return replace(learner.after(records), trainable=False)


# The second is right, and far too sure of it.
@pytest.mark.parametrize("sharpness", [3.0, 60.0])
def test_a_good_model_without_trainable_weights_is_left_alone(sharpness: float) -> None:
    assert told(still(sharpness)) == {}


def test_one_whose_loss_moves_is_left_alone() -> None:
    learner, records = no_better(0)
    assert told(replace(learner.after(records), trainable=False)) == {}


def test_one_that_gives_one_class_is_told_why() -> None:
    learner = classifier(0, classes=3, noise=0.0)
    bias = np.array([0.3, 0.0, 0.0])
    records = [learner.epoch(i, "train", 0.0, bias=bias) for i in range(12)]
    facts = learner.after(records)
    assert "LM403" in told(facts)
    assert set(told(replace(facts, trainable=False))) == {"LM404"}


@pytest.mark.parametrize("make", [too_low, no_better])
def test_inputs_that_are_all_alike_are_the_only_cause(
    make: Callable[[int], tuple[Classifier, Epochs]],
) -> None:
    learner, records = make(0)
    alike = describe_input(np.zeros((128, 4)), rescaled=False, embedded=False)
    facts = replace(learner.after(records), inputs=(alike,))
    found = told(facts)
    assert set(found) == {"LM503"}
    assert found["LM503"].message == (
        "the input: all 128 samples are the same, and nothing can be learned from them."
    )
    other = describe_input(RNG.normal(size=(128, 2)), name="b", rescaled=False, embedded=False)
    assert "LM503" not in told(replace(facts, inputs=(alike, other)))
