"""Of runs whose data are not what they are taken for no value is best anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from lossmon_dashboard import figures
from lossmon_dashboard.comparing import verdict
from lossmon_dashboard.components.comparison import caution
from lossmon_dashboard.components.comparison_ends import end_rows
from lossmon_dashboard.components.run_rows import run_grid_row
from lossmon_dashboard.source import current_store

from lossmon.store import RunQuery
from tests.analysis.validated import drawn, run
from tests.dashboard.tree import as_json, words

LEAK = {
    "code": "LM507",
    "rule": "target-among-inputs",
    "severity": "warning",
    "output": None,
    "evidence": {},
}


def ended(name: str, loss: float, accuracy: float, *findings: dict[str, Any]) -> dict[str, Any]:
    ends = {"val_loss": loss, "val_accuracy": accuracy, "loss": None, "accuracy": None}
    ends |= {"verified": 1.0, "duration": 1.0, "findings": [*findings]}
    return run(name, drawn(0)) | ends


def compared(*findings: dict[str, Any]) -> list[dict[str, Any]]:
    return [ended("leak", 0.1, 0.99, *findings), ended("healthy", 0.2, 0.9)]


def test_it_is_told_before_the_comparison() -> None:
    told = caution(compared(LEAK))
    assert words(told) == (
        "Mind this The numbers of leak promise nothing of new samples: the target is among the "
        "inputs (LM507)."
    )
    assert caution(compared(LEAK | {"code": "LM505", "severity": "info"})) is None


@pytest.mark.usefixtures("app")
def test_neither_is_said_to_be_better() -> None:
    said = words(verdict(compared(LEAK), None, (None, None, None), ""))
    assert "Which of these runs is better cannot be told." in said
    assert "Left out: leak (the target is among the inputs, LM507)." in said
    assert "is better than" not in said


def test_no_value_of_it_is_the_best() -> None:
    leak, healthy = end_rows(compared(LEAK))
    assert (leak["best"], healthy["best"]) == ([], [])
    assert leak["misjudged"] == "LM507 target-among-inputs"
    assert healthy["misjudged"] == ""
    # Of the others one still is.
    third = ended("third", 0.3, 0.8)
    best = [row["best"] for row in end_rows([*compared(LEAK), third])]
    assert best == [[], ["val_loss", "val_accuracy"], []]
    assert end_rows(compared())[0]["best"] == ["val_loss", "val_accuracy"]


def test_it_is_crossed_out_and_beats_no_other() -> None:
    traces = as_json(figures.plot_pareto(compared(LEAK)))["data"]
    ends = {
        one["name"]: one["marker"]["symbol"] for one in traces if "symbol" in one.get("marker", ())
    }
    assert ends == {"leak (LM507)": "circle-x-open", "healthy": "circle"}
    (front,) = [one for one in traces if one["name"] == "not beaten on both"]
    assert 0.1 not in list(front["x"])


@pytest.mark.usefixtures("app")
def test_the_list_knows_why_its_validation_is_struck_out() -> None:
    (listed,) = current_store().run_page(RunQuery("digits-overfit")).rows
    assert run_grid_row(listed)["misjudged"] == ""
    row = run_grid_row(listed | {"findings": [LEAK]})
    assert (row["misjudged"], row["misread"]) == ("LM507 target-among-inputs", "")
