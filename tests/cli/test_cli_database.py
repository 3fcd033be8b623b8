"""`export`, `rm` and `db`."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from lossmon.store.schema import HEAD
from tests.cli.conftest import EPOCHS, Invoke, Seeded

PROMISED = (
    *("step", "epoch", "batch", "split", "output", "n", "weight", "loss", "recomputed_loss"),
    *("penalty", "accuracy", "recomputed_accuracy"),
)
# Breast cancer: 569 samples, a quarter of them for validation, in batches of 32.
TRAIN, VAL = 426, 143
BATCHES = 14 + 5


def test_export_prints_one_row_a_batch(invoke: Invoke) -> None:
    result = invoke("export", "healthy")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert result.exit_code == 0
    assert tuple(rows[0])[: len(PROMISED)] == PROMISED
    assert len(rows) == EPOCHS * BATCHES
    assert sum(int(row["n"]) for row in rows if row["split"] == "train") == EPOCHS * TRAIN
    assert sum(int(row["n"]) for row in rows if row["split"] == "val") == EPOCHS * VAL


def test_exported_numbers_are_those_of_the_epochs(invoke: Invoke) -> None:
    rows = list(csv.DictReader(io.StringIO(invoke("export", "healthy").stdout)))
    last = [r for r in rows if r["split"] == "val" and r["epoch"] == str(EPOCHS - 1)]
    mean = sum(float(r["recomputed_loss"]) * int(r["n"]) for r in last) / VAL
    epoch = json.loads(invoke("show", "healthy", "--json").stdout)["epochs"][-1]
    assert abs(mean - epoch["recomputed_loss"]) < 1e-12


def test_export_writes_the_same_to_a_file(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "batches.csv"
    result = invoke("export", "faulty", "--format", "csv", "-o", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == invoke("export", "faulty").stdout


def test_export_of_an_unknown_run_leaves_the_file_alone(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "batches.csv"
    file.write_text("mine")
    assert invoke("export", "nobody", "-o", str(file)).exit_code == 1
    assert file.read_text() == "mine"


def test_rm_asks_and_takes_no_for_an_answer(invoke: Invoke, copied: Seeded) -> None:
    result = invoke("rm", "latest", "--db", copied.db, answer="n\n")
    assert result.exit_code == 1
    assert f"Delete faulty ({copied.faulty})?" in result.stderr
    assert len(json.loads(invoke("runs", "--json", "--db", copied.db).stdout)) == 2


def test_rm_deletes_a_run_and_all_that_belongs_to_it(invoke: Invoke, copied: Seeded) -> None:
    result = invoke("rm", "faulty", copied.faulty, "--yes", "--db", copied.db)
    assert (result.exit_code, result.stdout.partition(";")[0]) == (0, "deleted 1 run(s)")
    with closing(sqlite3.connect(copied.db)) as connection:
        for table in ("batches", "epochs", "outputs", "findings"):
            query = f"SELECT count(*) FROM {table} WHERE run_id = ?"
            assert connection.execute(query, [copied.faulty]).fetchone() == (0,)
    left = json.loads(invoke("runs", "--json", "--db", copied.db).stdout)
    assert [row["id"] for row in left] == [copied.healthy]


def test_rm_of_a_known_and_an_unknown_run_deletes_neither(invoke: Invoke, copied: Seeded) -> None:
    assert invoke("rm", "faulty", "nobody", "--yes", "--db", copied.db).exit_code == 1
    assert len(json.loads(invoke("runs", "--json", "--db", copied.db).stdout)) == 2


def test_db_info_tells_where_and_how_much(invoke: Invoke, seeded: Seeded) -> None:
    facts = json.loads(invoke("db", "info", "--json").stdout)
    assert facts["database"] == seeded.db
    assert facts["engine"] == "sqlite"
    assert facts["schema"] == facts["expected_schema"] == HEAD
    assert facts["runs"] == 2
    assert facts["bytes"] == Path(seeded.db).stat().st_size
    assert f"database: {seeded.db}" in invoke("db", "info").stdout.splitlines()


def test_db_upgrade_of_a_current_database_says_so(invoke: Invoke, copied: Seeded) -> None:
    result = invoke("db", "upgrade", "--db", copied.db)
    assert result.exit_code == 0
    assert result.stdout.strip() == f"the schema is {HEAD}, as this lossmon expects it"
    told = invoke("db", "upgrade", "--json", "--db", copied.db)
    assert json.loads(told.stdout) == {"before": HEAD, "now": HEAD}


def test_db_upgrade_makes_a_new_database_and_runs_says_that_it_is_empty(
    invoke: Invoke, tmp_path: Path
) -> None:
    db = str(tmp_path / "new.db")
    assert invoke("db", "upgrade", "--db", db).stdout.strip() == f"schema none -> {HEAD}"
    assert "lossmon.Monitor()" in invoke("runs", "--db", db).stdout
    assert json.loads(invoke("runs", "--json", "--db", db).stdout) == []
