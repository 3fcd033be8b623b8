"""The programs in `examples/programs`: each trains, is verified, and is not flagged."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import keras
import pytest

import lossmon
from lossmon import inline
from lossmon.notebook import read_cells
from tests.store.postgres import running_server

PROGRAMS = Path(__file__).parent.parent / "examples" / "programs"
# Of these a test of its own tells, or another backend.
ELSEWHERE = ("jax_backend", "postgresql", "tuner", "custom_train_step")
SCRIPTS = sorted(path for path in PROGRAMS.glob("*.py"))
BACKEND = keras.backend.backend()
ALIKE = [
    path for path in SCRIPTS if path.stem not in ELSEWHERE or path.stem == f"{BACKEND}_backend"
]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOSSMON_DB", str(tmp_path / "runs.db"))
    return str(tmp_path / "runs.db")


def run_of(database: str, name: str) -> dict[str, Any]:
    return lossmon.open_store(database).run(name)


@pytest.mark.parametrize("script", ALIKE, ids=lambda path: path.stem)
def test_a_program_is_verified_and_not_flagged(script: Path, database: str) -> None:
    runpy.run_path(str(script), run_name="__main__")
    run = run_of(database, script.stem.replace("_", "-"))
    assert (run["status"], run["verified"], run["troubles"]) == ("finished", 1.0, [])
    assert [f for f in run["findings"] if f["severity"] != "info"] == []


if BACKEND == "tensorflow":

    def test_a_step_of_one_s_own_says_what_cannot_be_seen(database: str) -> None:
        runpy.run_path(str(PROGRAMS / "custom_train_step.py"), run_name="__main__")
        run = run_of(database, "custom-train-step")
        by_split = {row["split"]: row for row in run["epochs"]}
        assert by_split["val"]["status"] == "verified"
        assert "train_step" in (by_split["train"]["reason"] or "")
        assert run["findings"] == []

    def test_trials_are_runs(database: str) -> None:
        runpy.run_path(str(PROGRAMS / "tuner.py"), run_name="__main__")
        runs = lossmon.open_store(database).run_rows()
        assert [run["project"] for run in runs] == ["hidden-size"] * 3
        assert {run["status"] for run in runs} == {"finished"}
        assert {run["verified"] for run in runs} == {1.0}
        for run in runs:
            config = run_of(database, run["id"])["config"]
            assert run["name"] == f"hidden-size-{config['trial']}"
            assert 4 <= config["units"] <= 32

    def test_postgresql_takes_runs(monkeypatch: pytest.MonkeyPatch) -> None:
        with running_server() as server:
            url = server.take()
            monkeypatch.setenv("LOSSMON_DB", url)
            runpy.run_path(str(PROGRAMS / "postgresql.py"), run_name="__main__")
            assert run_of(url, "postgresql")["verified"] == 1.0
            server.give_back(url)


def test_the_notebook_runs(database: str) -> None:
    names: dict[str, Any] = {}
    for cell in read_cells(PROGRAMS / "notebook.ipynb"):
        exec(compile(cell.source, f"cell {cell.number}", "exec"), names)
    run = run_of(database, "notebook")
    assert (run["verified"], run["findings"]) == (1.0, [])
    (dashboard,) = [started for key, started in inline._started.items() if key[0] == database]
    with urlopen(f"http://127.0.0.1:{dashboard[1]}/run/latest") as answer:
        assert answer.status == 200
    assert dashboard[0].stdin is not None
    dashboard[0].stdin.close()
    assert dashboard[0].wait(timeout=60) == 0
    assert dashboard[0].stdout is not None
    dashboard[0].stdout.close()


def test_there_is_a_test_for_each() -> None:
    assert {path.stem for path in SCRIPTS} == {path.stem for path in ALIKE} | set(ELSEWHERE)
