"""Runs whose data are not what they are taken for, in the list and in `lossmon compare`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lossmon.cli.options import sample_source
from lossmon.cli.tables import print_runs
from lossmon.records import EpochRecord, Finding
from lossmon.report import report_of
from lossmon.store import RunWriter, open_store
from tests.analysis.validated import drawn, run
from tests.cli.conftest import Invoke
from tests.dashboard.seed import SOFTMAX, Scenario

LEAK = Finding("LM507", "target-among-inputs", "warning", None, "told", "x", {})
TOLD = "The numbers of leak promise nothing of new samples: the target is among the inputs (LM507)."
MARK = "* validation that promises nothing of new samples: LM507 target-among-inputs"


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Two runs that were validated on the same samples: the better one sees the target."""
    path = str(tmp_path / "runs.db")
    for name, sure, findings in (("healthy", 1.0, []), ("leak", 4.0, [LEAK])):
        recorded = run(name, drawn(0), sure=sure)
        scenario = Scenario(name, metric=SOFTMAX)
        writer = RunWriter.open(path, scenario.record(), scenario.output_records())
        (row,) = recorded["epochs"]
        epochs = [EpochRecord(time=0.0, **row)]
        writer.write(epochs=epochs, findings=findings, samples=[recorded["samples"]])
        writer.finish("finished")
        writer.close()
    return path


def test_neither_is_said_to_be_better(invoke: Invoke, db: str) -> None:
    told = " ".join(invoke("compare", "leak", "healthy", "--db", db).stdout.split())
    assert told.startswith(f"in short: Which of these runs is better cannot be told. {TOLD} ")
    assert "is better." not in told
    assert "Left out: leak (the target is among the inputs, LM507)." in told


def test_its_validation_is_marked_in_a_comparison(invoke: Invoke, db: str) -> None:
    lines = invoke("compare", "leak", "healthy", "--db", db).stdout.splitlines()
    marked = [line.split()[:2] for line in lines if "*" in line and not line.startswith("*")]
    assert marked == [["val", "loss"], ["val", "accuracy"]]
    assert max(line.count("*") for line in lines) == 1
    assert MARK in lines


def test_its_loss_and_accuracy_are_marked_in_the_list(invoke: Invoke, db: str) -> None:
    lines = invoke("runs", "--db", db, columns=80).stdout.splitlines()
    marks = {line.split()[0]: line.count("*") for line in lines if " val " in line}
    assert marks == {"leak": 2, "healthy": 0}
    assert lines[-1] == MARK


def test_a_loss_alone_is_marked_and_explained_too(db: str) -> None:
    text = io.StringIO()
    rows = [row | {"val_accuracy": None} for row in open_store(db).run_rows()]
    print_runs(Console(file=text, width=80), rows)
    (marked, told) = [line for line in text.getvalue().splitlines() if "*" in line]
    assert (marked.split()[0], marked.count("*")) == ("leak", 1)
    assert told == MARK


def test_json_and_a_report_hold_the_reason(invoke: Invoke, db: str) -> None:
    (document, _) = json.loads(invoke("compare", "leak", "healthy", "--db", db, "--json").stdout)
    assert document["comparisons"] == []
    assert "Left out: leak (the target is among the inputs, LM507)." in document["not_compared"]
    store = open_store(db)
    report = report_of([store.run(name) for name in ("leak", "healthy")], sample_source(store))
    assert "Left out: leak (the target is among the inputs, LM507)." in report.summary
