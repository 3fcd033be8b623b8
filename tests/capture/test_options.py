"""Bad arguments are refused at once, with what was expected, what came, and the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lossmon import InvalidArgument, Monitor
from lossmon.capture.environment import environment
from lossmon.capture.run_record import run_record


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"verify": "always"}, "'auto', 'full', 'off'"),
        ({"run": 7}, "`run` must be a string"),
        ({"run": "x" * 501}, "at most 500 characters"),
        ({"tags": "baseline"}, "`tags` must be a list of strings"),
        ({"tags": [1]}, "`tags` must be a list of strings"),
        ({"config": [1, 2]}, "`config` must be a mapping"),
        ({"losses": {"mine": 3}}, "`losses` must map names to functions"),
        ({"metrics": ["accuracy"]}, "`metrics` must map names to functions"),
        ({"rules": ["LM999"]}, "LM999"),
        ({"rules": "LM301"}, "must be a list of strings: codes or names of rules"),
        ({"rules": {"select": "LM301"}}, "must be a list of strings"),
        ({"rules": {"only": ["LM301"]}}, "'select', 'ignore', 'severity'"),
        ({"rules": {"severity": {"LM301": "off"}}}, "'error', 'warning', 'info'"),
        ({"rules": {"severity": ["LM301"]}}, "severities"),
        ({"rules": {"ignore": ["LM9"]}}, "LM9"),
        ({"samples": -1}, "the most validation samples"),
        ({"samples": 2.5}, "the most validation samples"),
        ({"samples": None}, "the most validation samples"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidArgument, match="Received") as caught:
        Monitor(**arguments)
    assert expected in str(caught.value)
    assert "Fix:" in str(caught.value)


def test_config_keeps_values_that_json_does_not_know_as_text(tmp_path: Path) -> None:
    options = Monitor(config={"path": tmp_path, "rate": 0.1})._options
    assert options.config == {"path": str(tmp_path), "rate": 0.1}


def test_passwords_in_settings_and_arguments_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    db = "postgresql://me:secret@host/d"
    monkeypatch.setattr("sys.argv", ["train.py", f"--db={db}"])
    assert Monitor(config={"args": [db]})._options.config == {
        "args": ["postgresql://me:***@host/d"]
    }
    assert environment()["argv"] == ["train.py", "--db=postgresql://me:***@host/d"]


def test_more_epochs_than_a_column_can_count_are_still_recorded() -> None:
    asked = {"epochs": 10**30, "steps": None}
    run = run_record(Monitor()._options, "id", started=0.0, params=asked, model={}, rank=None)
    assert (run.epochs_planned, run.steps_planned) == (2**63 - 1, None)


def test_the_steps_planned_are_those_of_all_epochs() -> None:
    asked = {"epochs": 5, "steps": 38}
    run = run_record(Monitor()._options, "id", started=0.0, params=asked, model={}, rank=None)
    assert (run.epochs_planned, run.steps_planned) == (5, 190)
