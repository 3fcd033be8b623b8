from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.bench.gap import Case, Compared, accuracy_counts, beyond_goal, loss_cases, table


def _told(cases: list[Case]) -> list[str]:
    told = io.StringIO()
    Console(file=told, width=100).print(table("loss", cases))
    return told.getvalue().splitlines()


def test_two_losses_are_compared_in_both_widths() -> None:
    cases = list(loss_cases(["Hinge", "Huber"]))

    assert {case.name for case in cases} == {"Hinge", "Huber"}
    assert 0.0 < max(case.single.gap() for case in cases) <= 1e-6
    assert max(case.single.share() for case in cases) < 1.0
    assert max(case.double.gap() for case in cases if case.double) <= 1e-14
    assert beyond_goal(cases) == []
    assert [line.split()[:2] for line in _told(cases)[1:]] == [
        ["Hinge", "24"],
        ["Huber", "48"],
        ["all", "72"],
    ]


def test_an_accuracy_is_counted() -> None:
    (counted,) = accuracy_counts(["BinaryAccuracy"], batches=3)

    assert counted == ("BinaryAccuracy", 6, 0, 0)


def test_a_wrong_value_is_told() -> None:
    wrong = Case("Huber", Compared(2.0, 2.5, 0.25), None)

    assert wrong.single.gap() == pytest.approx(0.25)
    assert wrong.single.share() == pytest.approx(2.0)
    assert beyond_goal([wrong]) == ["Huber: 1 of 1 beyond 1e-06; the worst is 5.0e-01 at 2"]
    assert "200%" in _told([wrong])[-1]


def test_what_is_equal_has_no_gap_even_without_tolerance() -> None:
    same = Compared([0.0, 3.0], [0.0, 3.0], [0.0, 0.0])

    assert (same.gap(), same.share()) == (0.0, 0.0)
