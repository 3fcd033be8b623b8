"""`lossmon compare` and reports of runs that were validated on other data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lossmon.cli.options import sample_source
from lossmon.records import EpochRecord
from lossmon.report import figures, report_of
from lossmon.store import RunWriter, open_store
from tests.analysis.validated import drawn, run
from tests.cli.conftest import Invoke
from tests.dashboard.seed import SOFTMAX, Scenario

TOLD = (
    "They were not validated on the same samples (300 labels in one, 400 in another): what differs "
    "may be the data. Validate them on the same data."
)


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Two runs, the one with the better values on data of its own."""
    path = str(tmp_path / "runs.db")
    for name, seed, count in (("one", 0, 400), ("other", 1, 300)):
        recorded = run(name, drawn(seed, count), sure=2.0 - 1.7 * seed, first=9_000 * seed)
        scenario = Scenario(name, metric=SOFTMAX)
        writer = RunWriter.open(path, scenario.record(), scenario.output_records())
        (row,) = recorded["epochs"]
        writer.write(epochs=[EpochRecord(time=0.0, **row)], samples=[recorded["samples"]])
        writer.finish("finished")
        writer.close()
    return path


def test_the_answer_is_why_there_is_none_and_the_values_stay(invoke: Invoke, db: str) -> None:
    told = " ".join(invoke("compare", "one", "other", "--db", db).stdout.split())
    assert told.startswith(f"in short: Which of these runs is better cannot be told. {TOLD} ")
    assert "more than noise? (last validation epoch; not the same samples)" in told
    assert "is better." not in told
    values = [row["epochs"][-1]["recomputed_loss"] for row in documents(invoke, db)]
    assert all(f"{value:.4g}" in told for value in values)


def test_json_holds_the_reason(invoke: Invoke, db: str) -> None:
    (found,) = documents(invoke, db)[0]["comparisons"]
    assert found["doubts"] == [TOLD]
    assert {advice["best"] for advice in found["recommendations"]} == {None}
    assert found["recommendations"][0]["not_compared"] == ["one", "other"]
    assert found["recommendations"][0]["values"].keys() == {"one", "other"}


def test_a_report_says_the_same_and_draws_no_front(db: str) -> None:
    store = open_store(db)
    report = report_of([store.run(name) for name in ("one", "other")], sample_source(store))
    assert TOLD in report.summary
    drawn_of = figures.pareto(report.weighings[0])
    assert drawn_of is not None
    (pane,) = drawn_of.axes
    assert (len(pane.collections), len(pane.lines)) == (4, 0)


def documents(invoke: Invoke, db: str) -> list[dict[str, Any]]:
    return json.loads(invoke("compare", "one", "other", "--db", db, "--json").stdout)
