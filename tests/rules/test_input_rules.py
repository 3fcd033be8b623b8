"""Rules of inputs and targets: judged by values and by what the model does with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lossmon.records import LossSpec, OutputRecord, Split
from lossmon.rules import (
    Effect,
    Facts,
    InputFacts,
    OutputFacts,
    SpoiledFacts,
    describe_input,
    describe_labels,
    describe_predictions,
    run_rules,
)

RNG = np.random.default_rng(0)
UNIT = RNG.normal(size=(128, 6))
IMAGES = RNG.integers(0, 256, size=(128, 4, 4, 1))
IDS = RNG.integers(0, 30_000, size=(128, 12))


def found(x: Any, *, rescaled: bool | None, embedded: bool | None) -> list[tuple[str, str]]:
    output = OutputFacts(OutputRecord(None), predictions=describe_predictions(UNIT[:, :1]))
    facts = Facts((output,), inputs=(describe_input(x, rescaled=rescaled, embedded=embedded),))
    return [(finding.code, finding.severity) for finding in run_rules(facts)]


def target(y: Any, guess: Any, loss: str = "mean_squared_error") -> list[str]:
    record = OutputRecord(None, shape=(None, 1), loss=LossSpec(loss))
    seen = describe_predictions(guess)
    output = OutputFacts(record, describe_labels(y), seen, compiled_used=True)
    return [finding.code for finding in run_rules(Facts((output,)))]


def plain(x: Any) -> list[tuple[str, str]]:
    return found(x, rescaled=False, embedded=False)


def test_large_inputs_are_advised_on() -> None:
    assert plain(IMAGES) == [("LM501", "info")]
    assert plain(IMAGES / 255.0) == []
    assert plain(UNIT) == []


def test_columns_of_uneven_scale_are_advised_on() -> None:
    assert plain(UNIT * [1, 1, 1, 1, 1, 1e-4]) == [("LM501", "info")]
    assert plain((UNIT * [1, 1, 1, 1, 1, 1e-4])[:, None, :]) == []


@pytest.mark.parametrize("rescaled", [True, None])
def test_what_the_model_scales_itself_is_silent(*, rescaled: bool | None) -> None:
    assert found(IMAGES, rescaled=rescaled, embedded=False) == []


def test_what_the_model_looks_up_is_silent() -> None:
    assert found(IDS, rescaled=True, embedded=True) == []
    assert found(np.tile(np.arange(12), (128, 1)), rescaled=True, embedded=True) == []


@pytest.mark.parametrize(
    ("effect", "severity", "said"),
    [
        ("spread", "warning", "predictions of such samples are not finite either"),
        ("lost", "warning", "the same whatever else a sample holds"),
        ("handled", "info", "finite and go by their other values"),
        (None, "info", "could not be tried"),
    ],
)
def test_missing_values_are_a_warning_where_predictions_suffer(
    effect: Effect | None, severity: str, said: str
) -> None:
    cases: tuple[tuple[Split, str], ...] = (
        ("train", "the input"),
        ("val", "input 'left' of the validation data"),
    )
    for split, whose in cases:
        given = SpoiledFacts("left" if split == "val" else None, split, 3, 768, 2, 128, effect)
        (finding,) = run_rules(Facts((), spoiled=(given,)))
        assert (finding.code, finding.severity) == ("LM502", severity)
        assert finding.message.startswith(
            f"{whose}: 3 of 768 values are NaN or infinite, in 2 of 128 samples; "
        )
        assert said in finding.message


def test_inputs_and_columns_that_never_vary_are_advised_on() -> None:
    column = UNIT.copy()
    column[:, 1] = 0.37
    assert plain(column) == [("LM503", "info")]
    assert plain(np.ones_like(UNIT)) == [("LM503", "info")]
    assert plain(column[:32]) == []


def test_inputs_that_never_vary_are_a_warning_where_labels_do() -> None:
    record = OutputRecord(None, shape=(None, 1), loss=LossSpec("mean_squared_error"))
    seen = describe_predictions(UNIT[:, :1])
    output = OutputFacts(record, describe_labels(UNIT[:, :1]), seen, compiled_used=True)
    alike = describe_input(np.ones_like(UNIT), name="a", rescaled=False, embedded=False)
    varied = describe_input(UNIT, name="b", rescaled=False, embedded=False)

    def told(output: OutputFacts, *inputs: InputFacts) -> list[str]:
        facts = Facts((output,), inputs=inputs)
        return [f.severity for f in run_rules(facts) if f.code == "LM503"]

    assert told(output, alike) == ["warning"]
    assert told(output, alike, alike) == ["warning", "warning"]
    assert told(output, alike, varied) == ["info"]
    assert told(output, alike, replace(varied, embedded=None)) == ["info"]
    # A loss of the user's own may be about something else than a constant.
    assert told(replace(output, compiled_used=False), alike) == ["info"]
    assert told(replace(output, labels=describe_labels(np.ones((64, 1)))), alike) == ["info"]


def test_borders_of_zeros_are_no_constant_columns() -> None:
    border = np.abs(UNIT)
    border[:, 0] = 0.0
    assert plain(border) == []


def test_targets_that_dwarf_the_predictions_are_advised_on() -> None:
    prices = RNG.uniform(100.0, 900.0, size=(64, 1))
    assert target(prices, UNIT[:64, :1]) == ["LM504"]
    assert target(prices / 900.0, UNIT[:64, :1]) == []
    assert target(prices, prices + UNIT[:64, :1]) == []
    assert target(prices, UNIT[:64, :1], "mean_squared_logarithmic_error") == []


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=3, max_dims=4, min_side=1, max_side=6),
        elements=st.floats(-5, 5),
    )
)
def test_small_values_are_never_called_large(x: Any) -> None:
    assert "LM501" not in {code for code, _ in plain(x)}


def test_a_description_counts_what_is_not_finite() -> None:
    facts = describe_input([[1.0, np.nan], [3.0, np.inf]])
    assert (facts.nonfinite, facts.minimum, facts.maximum, facts.mean) == (2, 1.0, 3.0, 2.0)


def test_the_inputs_that_predictions_suffer_from_come_first_in_one_finding() -> None:
    fine = SpoiledFacts(None, "train", 1, 768, 1, 128, "handled")
    (finding,) = run_rules(Facts((), spoiled=(fine, replace(fine, split="val", effect="lost"))))
    assert finding.severity == "warning"
    assert finding.evidence["split"] == "val"
    assert finding.message.startswith("the input of the validation data: 1 of 768 values are NaN")
    assert "go by their other values." in finding.message
    assert finding.fix.startswith("x_val = ")
    assert "\nx = " in finding.fix
