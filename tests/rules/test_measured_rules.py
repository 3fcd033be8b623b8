"""Rules that rest on measured gradients, units and clipped losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lossmon.records import BatchRecord, EpochRecord, Finding, LossSpec, OutputRecord, Split
from lossmon.rules import (
    ClippedFacts,
    Effect,
    Facts,
    GradientFacts,
    LayerGradient,
    OutputFacts,
    SpoiledFacts,
    UnitFacts,
    describe_labels,
    describe_predictions,
    run_rules,
)

LOSS = LossSpec("categorical_crossentropy")
FACTS = Facts((OutputFacts(OutputRecord(None, loss=LOSS), compiled_used=True),))


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def chain(rms: list[float], update: float | None = 1e-9) -> tuple[LayerGradient, ...]:
    return tuple(LayerGradient(f"dense_{i}", g, 0.1, update) for i, g in enumerate(rms))


def steps(norms: list[float], layers: tuple[LayerGradient, ...] = ()) -> list[GradientFacts]:
    return [GradientFacts(8 * i, i // 4, norm, layers=layers) for i, norm in enumerate(norms)]


def of_gradients(gradients: list[GradientFacts]) -> list[str]:
    return codes(run_rules(FACTS.after([], [], gradients=gradients)))


def of_units(*dead: int, units: int = 32, samples: int = 128) -> list[Finding]:
    seen = [UnitFacts("dense", epoch, samples, units, n) for epoch, n in enumerate(dead)]
    return run_rules(FACTS.after([], [], units=seen))


def of_clipped(*capped: int, samples: int = 1000) -> list[Finding]:
    seen = [ClippedFacts(i, "train", None, samples, n, 16.118) for i, n in enumerate(capped)]
    return run_rules(FACTS.after([], [], clipped=seen))


def test_what_was_not_measured_is_not_judged() -> None:
    assert run_rules(FACTS.after([], [])) == []
    assert run_rules(FACTS.after([], [], gradients=[], units=[], clipped=[])) == []


def test_gradients_that_shrink_with_depth_are_named() -> None:
    shrinking = [10.0 ** -(8 - i) for i in range(7)]
    assert of_gradients(steps([1.0] * 6, chain(shrinking))) == ["LM412"]
    assert of_gradients(steps([1.0] * 4, chain(shrinking))) == []
    assert of_gradients(steps([1.0] * 6, chain([0.1] * 7))) == []


def test_one_faint_layer_is_no_vanishing_gradient() -> None:
    # An embedding touches few of its rows in a step.
    assert of_gradients(steps([1.0] * 6, chain([1e-8, 0.1, 0.2, 0.1, 0.3, 0.1]))) == []


def test_an_optimizer_that_makes_up_for_it_keeps_the_rule_silent() -> None:
    shrinking = [10.0 ** -(8 - i) for i in range(7)]
    assert of_gradients(steps([1.0] * 6, chain(shrinking, update=1e-3))) == []
    assert of_gradients(steps([1.0] * 6, chain(shrinking, update=None))) == []


def test_gradients_that_grow_are_named_unless_clipped() -> None:
    growing = steps([2.0**i for i in range(12)])
    assert of_gradients(growing) == ["LM413"]
    assert of_gradients([replace(gradient, clipped=True) for gradient in growing]) == []


def test_gradients_that_had_all_but_vanished_do_not_explode_when_they_come_back() -> None:
    down = [10.0**-i for i in range(9)]
    back = [2e-8 * 2.0**i for i in range(31)]
    assert of_gradients(steps(down + back[:20])) == []
    assert of_gradients(steps(down + back)) == ["LM413"]


def test_norms_that_are_not_finite_are_named_when_they_stay() -> None:
    assert of_gradients(steps([1.0, 1.0, np.inf, np.nan, np.nan])) == ["LM413"]
    assert of_gradients(steps([np.inf, np.inf, 1.0, 1.0, 1.0])) == []


def test_norms_are_said_not_to_be_finite_since_they_are() -> None:
    gradients = steps([1.0] * 26 + [np.nan] * 5)
    (finding,) = run_rules(FACTS.after([], [], gradients=gradients))
    assert finding.evidence["since_epoch"] == 7
    assert "not finite at the last 5 steps" in finding.message
    assert finding.message.endswith("since epoch 7.")


def test_of_a_gradient_that_is_suddenly_no_number_clipping_is_not_advised() -> None:
    # Clipping by the norm makes all weights NaN where one gradient is.
    (sudden,) = run_rules(FACTS.after([], [], gradients=steps([1.0, 2.0, np.nan, np.nan, np.nan])))
    assert "clipnorm" not in sudden.fix
    assert sudden.fix.startswith("print(np.isfinite(x).all())")
    assert sudden.message.startswith("the norm of the gradient, which had not grown, is not finite")
    for norms in ([1.0, 2.0, np.inf], [1.0, 300.0, np.nan]):
        (grown,) = run_rules(FACTS.after([], [], gradients=steps([*norms, np.nan, np.nan])))
        assert "clipnorm" in grown.fix


@pytest.mark.parametrize(
    ("split", "effect", "told"),
    [
        ("train", "lost", ["LM502"]),
        ("train", "spread", ["LM502"]),
        ("train", None, ["LM502"]),
        ("train", "handled", ["LM413", "LM502"]),
        ("val", "lost", ["LM413", "LM502"]),
    ],
)
def test_of_inputs_that_are_no_numbers_gradients_are_none(
    split: Split, effect: Effect | None, told: list[str]
) -> None:
    spoiled = SpoiledFacts(None, split, 1, 768, 1, 128, effect)
    facts = replace(FACTS, spoiled=(spoiled,))
    lost = run_rules(facts.after([], [], gradients=steps([1.0, np.nan, np.nan, np.nan])))
    assert sorted(codes(lost)) == told
    (inputs,) = (finding for finding in lost if finding.code == "LM502")
    tells = "The gradient is not finite since epoch 1: weights are NaN." in inputs.message
    assert tells == (told == ["LM502"])
    if tells:
        assert inputs.severity == "warning"
    growing = facts.after([], [], gradients=steps([2.0**i for i in range(12)]))
    assert "LM413" in codes(run_rules(growing))


def test_a_loss_of_inputs_that_are_no_numbers_is_mended_in_the_inputs() -> None:
    splits: tuple[Split, ...] = "train", "val"
    for split, x in zip(splits, ("x", "x_val"), strict=True):
        batch = BatchRecord(0, 0, 0, split, None, 0.0, loss=np.nan)
        spoiled = SpoiledFacts(None, split, 1, 768, 1, 128, "spread")
        found = run_rules(replace(FACTS, spoiled=(spoiled,)).after([batch], []))
        assert codes(found) == ["LM401", "LM502"]
        assert found[0].fix.startswith(f"{x} = np.nan_to_num({x})")


def test_of_a_loss_that_was_no_number_before_its_gradient_is_not_the_cause() -> None:
    def told(*norms: float, since: int) -> list[str]:
        spoiled = BatchRecord(since, since // 32, 0, "train", None, 0.0, loss=np.nan)
        facts = FACTS.after([spoiled], [], gradients=steps([*norms, np.nan, np.nan, np.nan]))
        return codes(run_rules(facts))

    # Of 8 steps each one is measured.
    assert told(1.0, 2.0, 3.0, since=24) == ["LM401"]
    assert told(1.0, 2.0, 3.0, since=23) == ["LM401"]
    assert told(1.0, 2.0, 3.0, since=25) == ["LM401", "LM413"]
    assert told(1.0, 20.0, 300.0, since=23) == ["LM401", "LM413"]
    spoiled = EpochRecord(1, "train", None, 0.0, loss=np.nan)
    facts = FACTS.after([], [spoiled], gradients=steps([1.0] * 4 + [np.nan] * 4))
    assert codes(run_rules(facts)) == ["LM401"]


@pytest.mark.parametrize("seed", range(20))
def test_noisy_norms_are_silent(seed: int) -> None:
    norms = np.random.default_rng(seed).lognormal(0.0, 1.5, size=32)
    assert of_gradients(steps(norms.tolist())) == []


def test_norms_of_labels_that_are_no_numbers_do_not_explode() -> None:
    gradients = steps([1.0, np.nan, np.nan, np.nan])
    assert of_gradients(gradients) == ["LM413"]
    (output,) = FACTS.outputs
    spoiled = Facts((replace(output, labels=describe_labels(np.array([1.0, np.nan]))),))
    assert codes(run_rules(spoiled.after([], [], gradients=gradients))) == ["LM201"]


def test_dead_units_are_named_when_they_stay() -> None:
    (finding,) = of_units(10, 28, 29, 30)
    assert (finding.code, finding.evidence["since_epoch"]) == ("LM414", 2)
    assert of_units(28, 29) == []
    assert of_units(16, 16, 16) == []
    assert of_units(30, 30, 30, 12) == []


def test_a_layer_that_is_dead_altogether_is_named_sooner() -> None:
    assert codes(of_units(4, 4, units=4)) == ["LM414"]
    assert of_units(4, 4, units=4, samples=32) == []


@pytest.mark.parametrize(
    ("rates", "usual", "fix"),
    [
        ((1.0, 1.0), 1e-3, "model.optimizer.learning_rate = 0.001  # in a model built anew"),
        ((0.1, 0.1), 1e-2, "model.optimizer.learning_rate = 0.01  # in a model built anew"),
        # What a schedule has lowered since killed them before.
        ((1.0, 1e-3), 1e-3, "model.optimizer.learning_rate = 0.001  # in a model built anew"),
        ((5e-3, 5e-3), 1e-3, "keras.layers.LeakyReLU(negative_slope=0.1)  # in place of"),
        ((1.0, 1.0), None, "keras.layers.LeakyReLU(negative_slope=0.1)  # in place of"),
    ],
)
def test_a_rate_far_above_what_is_usual_is_why_units_are_dead(
    rates: tuple[float, ...], usual: float | None, fix: str
) -> None:
    seen = [UnitFacts("dense", epoch, 128, 32, 32) for epoch in range(2)]
    epochs = [
        EpochRecord(i, "train", None, 0.0, loss=1.0, learning_rate=rate)
        for i, rate in enumerate(rates)
    ]
    facts = replace(FACTS, usual_rate=usual).after([], epochs, units=seen)
    (finding,) = (f for f in run_rules(facts) if f.code == "LM414")
    assert finding.fix.startswith(fix)
    if fix.startswith("model"):
        assert "times what is usual for the optimizer" in finding.message
        assert finding.fix.endswith("keras.layers.LeakyReLU(negative_slope=0.1)")


def test_of_gradients_that_grow_a_rate_far_above_what_is_usual_is_lowered_first() -> None:
    epochs = [EpochRecord(0, "train", None, 0.0, loss=1.0, learning_rate=1.0)]
    growing = steps([2.0**i for i in range(12)])
    for usual, fix in (
        (1e-3, "model.optimizer.learning_rate = 0.001"),
        (0.2, "model.optimizer.cl"),
    ):
        facts = replace(FACTS, usual_rate=usual).after([], epochs, gradients=growing)
        (finding,) = (f for f in run_rules(facts) if f.code == "LM413")
        assert finding.fix.startswith(fix)


def test_kernels_of_zeros_are_why_units_are_dead() -> None:
    seen = [UnitFacts("first", i, 128, 32, 32, zero_kernel=True) for i in range(3)]
    behind = [UnitFacts("second", i, 128, 16, 16, zero_kernel=False) for i in range(3)]
    (finding,) = run_rules(FACTS.after([], [], units=[*seen, *behind]))
    assert finding.message.endswith("all weights are 0 in the kernel of 'first'.")
    assert finding.fix.startswith("kernel_initializer=\"glorot_uniform\"  # in 'first'")
    (other,) = run_rules(FACTS.after([], [], units=behind))
    assert "LeakyReLU" in other.fix
    assert "weights are 0" not in other.message


def test_losses_at_the_cap_are_named_while_there_are_many() -> None:
    (finding,) = of_clipped(0, 40, 50)
    assert (finding.code, finding.evidence["since_epoch"]) == ("LM405", 2)
    assert "CategoricalCrossentropy(from_logits=True)" in finding.fix
    assert of_clipped(40, 50, 9) == []
    assert of_clipped(2, samples=50) == []


def test_what_is_no_probability_is_told_once() -> None:
    loss = LossSpec("binary_crossentropy")
    record = OutputRecord(None, shape=(None, 1), activation="relu", loss=loss)
    seen = describe_predictions(np.linspace(0.0, 3.0, 64)[:, None])
    output = OutputFacts(record, predictions=seen, compiled_used=True)
    clipped = [ClippedFacts(i, "train", None, 1000, 400, 16.118) for i in range(3)]
    found = run_rules(Facts((output,)).after([], [], clipped=clipped))
    assert [(f.code, f.fix) for f in found] == [
        ("LM106", 'keras.layers.Dense(1, activation="sigmoid")')
    ]
    within = replace(output, predictions=describe_predictions(np.linspace(0.0, 1.0, 64)[:, None]))
    found = run_rules(Facts((within,)).after([], [], clipped=clipped))
    assert codes(found) == ["LM405"]
