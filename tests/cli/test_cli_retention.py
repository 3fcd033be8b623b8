"""`archive`, `prune`, `rm`, `db check` and `db vacuum`, and the space that comes back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from lossmon.store import open_store
from lossmon.store.schema import HEAD, VERSION_TABLE
from tests.cli.conftest import Invoke
from tests.store.made import batch, epoch, open_writer

DAY = 86_400.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs that ended, 0 to 3 months old."""
    path = tmp_path_factory.mktemp("kept") / "kept.db"
    for months in range(4):
        writer = open_writer(path, name=f"old-{months}", started=time.time() - 30 * DAY * months)
        writer.write([batch(step, loss=0.5) for step in range(2000)], [epoch(0, loss=0.5)])
        writer.finish("finished")
        writer.close()
    return path


@pytest.fixture
def db(recorded: Path, tmp_path: Path) -> str:
    """A copy of them that a test may change."""
    return str(shutil.copy(recorded, tmp_path))


def names(invoke: Invoke, db: str, *options: str) -> list[str]:
    return [
        row["name"] for row in json.loads(invoke("runs", "--json", "--db", db, *options).stdout)
    ]


def test_archived_runs_are_out_of_sight_until_asked_for(invoke: Invoke, db: str) -> None:
    assert invoke("archive", "old-0", "old-2", "--db", db).stdout == "archived 2 run(s)\n"
    assert names(invoke, db) == ["old-1", "old-3"]
    assert names(invoke, db, "--archived") == ["old-0", "old-1", "old-2", "old-3"]
    assert json.loads(invoke("show", "latest", "--json", "--db", db).stdout)["name"] == "old-1"
    assert json.loads(invoke("show", "old-2", "--json", "--db", db).stdout)["archived"]
    told = json.loads(invoke("unarchive", "old-0", "old-1", "--json", "--db", db).stdout)
    assert [run["name"] for run in told["runs"]] == ["old-0"]
    assert names(invoke, db) == ["old-0", "old-1", "old-3"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--older-than", "45d"], ["old-2", "old-3"]),
        (["--older-than", "8w"], ["old-2", "old-3"]),
        (["--keep", "3"], ["old-3"]),
        (["--older-than", "45d", "--keep", "3"], ["old-3"]),
        (["--older-than", "900w"], []),
        (["old-1"], ["old-1"]),
    ],
)
def test_runs_are_pruned_by_age_by_count_or_by_name(
    invoke: Invoke, db: str, options: list[str], expected: list[str]
) -> None:
    told = json.loads(invoke("prune", *options, "--yes", "--json", "--db", db).stdout)
    assert [run["name"] for run in told["runs"]] == expected
    assert told["batches"] == 1984 * len(expected)
    store = open_store(db)
    for name in ("old-0", "old-1", "old-2", "old-3"):
        assert (store.run(name)["pruned"] is not None) == (name in expected)
        assert len(store.epoch_rows(name)) == 1


def test_pruning_gives_the_space_back(invoke: Invoke, db: str) -> None:
    before = Path(db).stat().st_size
    result = invoke("prune", "--keep", "0", "--db", db, answer="y\n")
    assert "deleted 7,936 batch rows of 4 run(s)" in result.stdout
    assert Path(db).stat().st_size < before / 2
    again = invoke("prune", "--keep", "0", "--yes", "--db", db)
    assert again.stdout == "deleted 0 batch rows of 0 run(s)\n"
    assert "only its last batches are left" in invoke("export", "old-0", "--db", db).stderr


def test_deleting_gives_the_space_back_unless_it_is_kept(invoke: Invoke, db: str) -> None:
    before = Path(db).stat().st_size
    invoke("rm", "old-0", "old-1", "--yes", "--keep-space", "--db", db)
    assert Path(db).stat().st_size >= before
    told = json.loads(invoke("rm", "--keep", "1", "--yes", "--json", "--db", db).stdout)
    assert (told["deleted"], [run["name"] for run in told["runs"]]) == (1, ["old-3"])
    assert Path(db).stat().st_size == told["space"]["after"] < before / 2


def test_nothing_is_vacuumed_under_a_training(invoke: Invoke, db: str) -> None:
    writer = open_writer(db, name="now")
    result = invoke("rm", "--older-than", "45d", "--yes", "--db", db)
    assert (result.exit_code, result.stdout) == (0, "deleted 2 run(s)\n")
    assert "Received: 'now'. Fix: run `lossmon db vacuum` at its end." in result.stderr
    assert invoke("db", "vacuum", "--db", db).exit_code == 1
    assert invoke("prune", "now", "--yes", "--db", db).exit_code == 2
    writer.finish("finished")
    writer.close()
    told = json.loads(invoke("db", "vacuum", "--json", "--db", db).stdout)
    assert told["after"] < told["before"]
    assert names(invoke, db) == ["now", "old-0", "old-1"]


@pytest.mark.parametrize("command", ["rm", "prune", "archive"])
def test_runs_are_named_or_described(invoke: Invoke, db: str, command: str) -> None:
    for options, received in ((), "neither"), (("old-0", "--keep", "1"), "both"):
        result = invoke(command, *options, "--db", db)
        assert (result.exit_code, f"Received: {received}." in result.stderr) == (2, True)
    result = invoke(command, "--older-than", "3 months", "--db", db)
    assert "expected an age such as 12h, 30d or 8w. Received: '3 months'" in result.stderr
    assert invoke(command, "--keep", "0", "--db", db, answer="n\n").exit_code == 1
    assert len(names(invoke, db)) == 4


def test_a_sound_database_is_said_to_be(invoke: Invoke, db: str) -> None:
    result = invoke("db", "check", "--db", db)
    assert (result.exit_code, result.stdout) == (0, "the database is sound\n")
    assert json.loads(invoke("db", "check", "--json", "--db", db).stdout) == {"problems": []}


def test_what_is_missing_is_a_problem(invoke: Invoke, db: str) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("DELETE FROM batches WHERE step > 1995")
        connection.commit()
    result = invoke("db", "check", "--json", "--db", db)
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["problems"]) == 4


@pytest.mark.parametrize("command", ["info", "check", "vacuum"])
@pytest.mark.parametrize(
    ("revision", "fix"),
    [("0002", "`lossmon db upgrade`"), ("9999", "pip install --upgrade lossmon")],
)
def test_another_schema_is_an_error_that_names_the_command(
    invoke: Invoke, db: str, command: str, revision: str, fix: str
) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (revision,))
        connection.commit()
    result = invoke("db", command, "--db", db)
    assert result.exit_code == 1
    assert f"to have schema {HEAD}" in result.stderr
    assert fix in result.stderr
    assert command != "info" or f"schema: {revision}" in result.stdout
