"""Help, and errors as one message."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lossmon
from lossmon.cli.options import print_json
from tests.cli.conftest import Invoke, Seeded

COMMANDS = (
    *("archive", "check", "compare", "completion", "dashboard", "db", "demo", "export", "findings"),
    *("import", "prune", "report", "rm", "rules", "runs", "show", "sync", "unarchive"),
)
READING = (
    "runs",
    "show latest",
    "findings latest",
    "compare a b",
    "report a",
    "export latest",
    "db info",
)


def test_json_spells_out_what_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": [math.nan, math.inf, -math.inf, 0.5, None]})
    assert json.loads(capsys.readouterr().out) == {
        "loss": ["NaN", "Infinity", "-Infinity", 0.5, None]
    }


def test_help_names_every_command(invoke: Invoke) -> None:
    result = invoke("--help")
    listed = [line.split()[0] for line in result.stdout.partition("Commands:\n")[2].splitlines()]
    assert result.exit_code == 0
    assert tuple(listed) == COMMANDS


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").stdout.strip() == f"lossmon, version {lossmon.__version__}"


@pytest.mark.parametrize("command", READING)
def test_missing_database_is_one_clear_message(
    invoke: Invoke, tmp_path: Path, command: str
) -> None:
    result = invoke(*command.split(), "--db", str(tmp_path / "none.db"))
    assert result.exit_code == 1
    assert (
        f"expected a database at {tmp_path / 'none.db'}. Received: no such file." in result.stderr
    )
    assert result.stdout == ""
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("command", ["show", "findings", "export", "rm --yes"])
def test_unknown_run_is_one_clear_message(invoke: Invoke, command: str) -> None:
    result = invoke(*command.split(), "helthy")
    assert result.exit_code == 1
    assert "Received: 'helthy'. Fix: did you mean 'healthy'?" in result.stderr


def test_database_that_is_no_database_is_wrong_usage(invoke: Invoke) -> None:
    result = invoke("runs", "--db", "mysql://there")
    assert result.exit_code == 2
    assert "Received: 'mysql://there'. Fix:" in result.stderr


def test_unknown_command_is_wrong_usage(invoke: Invoke) -> None:
    assert invoke("predict").exit_code == 2


def test_an_option_before_the_command_is_sent_behind_it(invoke: Invoke) -> None:
    result = invoke("--db x.db runs")
    assert result.exit_code == 2
    assert "lossmon COMMAND --db" in result.stderr


def test_installed_command_prints_a_message_instead_of_a_traceback(seeded: Seeded) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lossmon"), "show", "nobody"],
        env=os.environ | {"LOSSMON_DB": seeded.db},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lossmon: expected a run's id")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
