"""Programs drawn at random: the right ones are silent, and a fault put into one is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lossmon
from lossmon.records import Finding
from tests.rules.drawn_programs import DrawnProgram, programs
from tests.rules.injected_faults import FAULTS, Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=SLOW_DRAWS)
LONG = settings(SHORT, max_examples=3000)


def flagged(program: DrawnProgram) -> list[Finding]:
    x, y, weight = program.data()
    found = lossmon.check(program.compiled(), x, y, weight)
    return [finding for finding in found if finding.severity != "info"]


def demand_silence(program: DrawnProgram) -> None:
    assert [f"{f.rule} ({f.output}): {f.message}" for f in flagged(program)] == []


@st.composite
def faulty_programs(draw: Any) -> tuple[DrawnProgram, Fault]:
    """A right program with a fault put into its first head."""
    program = draw(programs())
    fitting = [name for name in sorted(FAULTS) if FAULTS[name].fits(program.heads[0])]
    assume(fitting)
    fault = FAULTS[draw(st.sampled_from(fitting))]
    return program.but(fault.inject(program.heads[0])), fault


def demand_name(drawn: tuple[DrawnProgram, Fault]) -> None:
    program, fault = drawn
    found = flagged(program)
    assert {f.rule for f in found} == fault.rules, [f.message for f in found]
    # None of the outputs beside it is accused.
    assert len({f.output for f in found}) == 1


drawn_right = given(programs())
drawn_faulty = given(faulty_programs())


@SHORT
@drawn_right
def test_a_right_program_is_silent(program: DrawnProgram) -> None:
    demand_silence(program)


@SHORT
@drawn_faulty
def test_a_fault_is_named(drawn: tuple[DrawnProgram, Fault]) -> None:
    demand_name(drawn)


@pytest.mark.slow
@LONG
@drawn_right
def test_thousands_of_right_programs_are_silent(program: DrawnProgram) -> None:
    demand_silence(program)


@pytest.mark.slow
@LONG
@drawn_faulty
def test_a_fault_is_named_in_thousands_of_programs(drawn: tuple[DrawnProgram, Fault]) -> None:
    demand_name(drawn)
