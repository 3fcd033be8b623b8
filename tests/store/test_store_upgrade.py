"""Databases of every released schema, kept as SQL, still open after an upgrade."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lossmon import store
from lossmon.errors import SchemaOutdated
from lossmon.store import check_database, open_store, upgrade
from lossmon.store.schema import HEAD
from tests.store.made import epoch, open_writer, sample_record
from tests.store.release import RELEASED as FOLDER

FILES = sorted(FOLDER.glob("*.sql"))
OLD = [file for file in FILES if file.stem < HEAD]


def load(file: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(file.read_text(encoding="utf-8"))


def test_a_database_of_every_schema_is_kept() -> None:
    migrations = Path(store.__file__).with_name("migrations") / "versions"
    known = {file.name[:4] for file in migrations.glob("[0-9]*.py")}
    fix = "Fix: python -m tests.store.release"
    assert {file.stem for file in FILES} == known, fix


@pytest.fixture(params=OLD, ids=lambda file: file.stem)
def released(request: pytest.FixtureRequest, path: Path) -> Path:
    load(request.param, path)
    return path


def dump(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = ("runs", "outputs", "batches", "epochs", "findings")
        return {t: [dict(row) for row in connection.execute(f"SELECT * FROM {t}")] for t in tables}


def test_an_old_database_names_the_command_until_it_is_upgraded(released: Path) -> None:
    with pytest.raises(SchemaOutdated, match="lossmon db upgrade"):
        open_store(released)


def test_an_upgrade_keeps_every_value(released: Path) -> None:
    before = dump(released)
    first, last = upgrade(released)
    assert (last, first < HEAD) == (HEAD, True)
    for table, rows in dump(released).items():
        for old, row in zip(before[table], rows, strict=True):
            assert row | old == row


def test_an_upgraded_database_can_be_read_and_written(released: Path) -> None:
    upgrade(released)
    store = open_store(released)
    old = store.run("digits")["epochs"][0]
    assert (old["audited_loss"], old["baselines"]) == (None, None)
    series = store.batch_series("digits", ["loss"], split="train", max_points=50)
    loss = dict(zip(series["step"].tolist(), series["loss"].tolist(), strict=True))
    assert loss[55] == 99.0
    assert math.isnan(loss[7])
    open_writer(released, name="new").close()
    writer = open_writer(released, name="newer")
    best = {"rows": 90, "majority_accuracy": 0.4, "constant_loss": 1.09}
    writer.write((), [epoch(0, audited_loss=0.25, intended_exact_match=0.5, baselines=best)])
    writer.close()
    (row,) = store.epoch_rows("newer")
    assert (row["audited_loss"], row["intended_exact_match"]) == (0.25, 0.5)
    assert row["baselines"] == best


def test_an_upgraded_database_takes_validation_samples(released: Path) -> None:
    first, _ = upgrade(released)
    store = open_store(released)
    assert len(store.sample_records("digits")) == (first >= "0009")
    old = store.epoch_rows("digits", "val")[0]
    assert (old["temperature"], old["margins"]) == (None, None)
    writer = open_writer(released, name="new")
    writer.write(samples=[sample_record(0)])
    writer.close()
    assert store.sample_epochs("new") == [0]


def test_the_kept_database_of_todays_schema_is_what_is_recorded_today(path: Path) -> None:
    load(FOLDER / f"{HEAD}.sql", path)
    assert check_database(path) == []
    assert open_store(path).samples("digits").loss.tolist() == sample_record(0).loss.tolist()
    assert open_store(path).run("digits")["findings"][0]["code"] == "LM301"


def test_an_upgraded_database_is_sound(released: Path) -> None:
    upgrade(released)
    open_store(released).prune("digits")
    assert check_database(released) == []


def test_a_run_of_an_old_database_was_never_resumed_and_dropped_nothing(released: Path) -> None:
    upgrade(released)
    run = open_store(released).run("digits")
    assert (run["resumes"], run["dropped"]) == ([], 0)


def test_batches_that_an_old_database_holds_twice_are_held_once(path: Path) -> None:
    released = path
    load(FOLDER / "0002.sql", path)
    with closing(sqlite3.connect(released)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(batches)")]
        others = ", ".join("9.0" if name == "accuracy" else name for name in columns)
        connection.execute(f"INSERT INTO batches SELECT {others} FROM batches WHERE step < 50")
        connection.commit()
    upgrade(released)
    rows = list(open_store(released).export_batches("digits"))
    assert len(rows) == 208
    assert 9.0 not in {row["accuracy"] for row in rows}
