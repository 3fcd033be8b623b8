"""Whatever a run is called, no terminal, shell or spreadsheet does anything about it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossmon.cli import words
from lossmon.records import BatchRecord, Finding
from lossmon.store.nonfinite import storable_text
from tests.cli.conftest import Invoke
from tests.store.made import batch, epoch, open_writer

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
NASTY = (
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m\x85",
    "[bold red]markup[/] [link=https://evil.example]x[/link]",
    "\u202egnp.exe\u2066",
    "<img src=x onerror=alert(1)> **bold** [a](javascript:alert(1))",
    "'; DROP TABLE runs; --",
    '=HYPERLINK("https://evil.example")',
    "../../etc/passwd",
    "line\nbreak\ttab",
)
FUZZED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT = st.text(st.characters(codec=None), min_size=1, max_size=30)


def record(db: Path, text: str) -> str:
    """A run in which everything that can be a text is this one."""
    finding = Finding(text, text, "error", text, text, text, {text: text})
    told: dict[str, Any] = {"project": text, "notes": text, "config": {text: text}}
    writer = open_writer(db, name=text, tags=(text,), model={text: text}, **told)
    rows: list[BatchRecord] = [batch(0, loss=0.5, output=text, reason=text), batch(0, loss=-0.5)]
    writer.write(rows, [epoch(0, loss=0.5, reason=text, reconciliation=[text])], [finding])
    writer.trouble(text)
    writer.finish("finished")
    writer.close()
    return writer.run_id


@pytest.mark.parametrize("text", NASTY)
def test_hostile_texts_come_back_unchanged_and_are_inert(
    invoke: Invoke, tmp_path: Path, text: str
) -> None:
    db = tmp_path / "hostile.db"
    other, run = record(db, text), record(db, text)
    for as_json in ([], ["--json"]):
        for command in (["runs"], ["show", run], ["findings", run], ["compare", run, other]):
            result = invoke(*command, *as_json, "--db", str(db))
            assert result.exit_code in (0, 1), result.stderr
            assert not CONTROL.search(result.stdout + result.stderr), command
    shown = json.loads(invoke("show", text, "--json", "--db", str(db)).stdout)
    assert (shown["name"], shown["tags"], shown["config"]) == (text, [text], {text: text})
    assert (shown["findings"][0]["message"], shown["notes"]) == (text, text)
    result = invoke("rm", run, "--db", str(db), answer="n\n")
    assert result.exit_code == 1
    assert not CONTROL.search(result.stdout + result.stderr)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'quoted", "plain", "-"])
def test_formulas_in_a_csv_are_texts_and_can_be_brought_back(
    invoke: Invoke, tmp_path: Path, text: str
) -> None:
    db = tmp_path / "hostile.db"
    run = record(db, text)
    rows = list(csv.DictReader(io.StringIO(invoke("export", run, "--db", str(db)).stdout)))
    (cell,) = [row["output"] for row in rows if row["output"]]
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert cell.removeprefix("'") == text
    assert {row["loss"] for row in rows} == {"0.5", "-0.5"}


@FUZZED
@given(text=TEXT)
def test_any_text_survives(invoke: Invoke, tmp_path: Path, text: str) -> None:
    db = tmp_path / "any.db"
    run = record(db, text)
    result = invoke("show", run, "--json", "--db", str(db))
    assert json.loads(result.stdout)["name"] == storable_text(text)
    assert not CONTROL.search(result.stdout)
    assert not CONTROL.search(invoke("show", run, "--db", str(db)).stdout)


@FUZZED
@given(text=TEXT.filter(lambda text: not text.startswith("-")))
@pytest.mark.parametrize("command", ["show", "findings", "export", "archive", "rm --yes"])
def test_any_run_that_is_not_there_is_one_clear_message(
    invoke: Invoke, command: str, text: str
) -> None:
    result = invoke(*command.split(), f"{text}?")
    assert result.exit_code == 1
    assert result.stderr.startswith("lossmon: expected ")
    assert not CONTROL.search(result.stderr)


def test_what_is_shown_of_control_characters_is_how_json_spells_them() -> None:
    assert words.visible({"a\x1b": ["\x07", ("\x9b", 3)], "b": None}) == {
        "a\\u001b": ["\\u0007", ["\\u009b", 3]],
        "b": None,
    }
    assert words.visible("tab\tand\nline") == "tab\tand\nline"
