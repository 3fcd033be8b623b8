"""What is about the SQLite file itself: its locks, its removal, and SQL by hand."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import event

from lossmon.errors import StoreError
from lossmon.store import RunWriter, Store, check_database, open_store
from tests.store.made import batch, open_writer


def test_hand_written_sql_sees_null_and_the_kind(file_writer: RunWriter, path: Path) -> None:
    file_writer.write([batch(0, loss=math.inf, accuracy=0.5)])
    query = "SELECT loss, json_extract(nonfinite_kinds, '$.loss'), accuracy FROM batches"
    connection = sqlite3.connect(path)
    assert connection.execute(query).fetchall() == [(None, "+inf", 0.5)]
    connection.close()


def test_a_file_removed_under_its_writer_is_a_clear_error(
    file_writer: RunWriter, path: Path
) -> None:
    path.unlink()
    with pytest.raises(StoreError, match="removed or replaced"):
        file_writer.write([batch(0)])


def test_a_file_in_a_folder_that_takes_none_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, db = Path(name), Path(name) / "lossmon.db"
        writer = open_writer(db)
        writer.write([batch(0)])
        writer.close()
        folder.chmod(0o555)
        own, nobody = os.geteuid(), 65534
        os.setresuid(*((nobody, nobody, own) if own == 0 else (own, own, own)))
        try:
            assert check_database(db) == []
            assert len(list(open_store(db).export_batches("latest"))) == 1
            with pytest.raises(StoreError, match="readonly"):
                open_store(db).archive(["latest"])
        finally:
            os.setresuid(own, own, own)
            folder.chmod(0o755)


def test_a_store_follows_a_file_that_is_replaced(path: Path, tmp_path: Path) -> None:
    open_writer(path, name="old").close()
    store = open_store(path)
    assert store.resolve("old")
    path.unlink()
    with pytest.raises(StoreError, match="no such file"):
        store.run_rows()
    open_writer(path, name="new").close()
    assert [row["name"] for row in store.run_rows()] == ["new"]
    open_writer(tmp_path / "other.db", name="other").close()
    (tmp_path / "other.db").replace(path)
    assert [row["name"] for row in store.run_rows()] == ["other"]


def test_a_writer_waits_for_a_lock(file_writer: RunWriter, path: Path) -> None:
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(1); c.execute('COMMIT')"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    begun = time.monotonic()
    file_writer.write([batch(0)])
    assert time.monotonic() - begun > 0.5
    holder.communicate()
    assert len(list(open_store(path).export_batches("latest"))) == 1


def test_a_lock_that_is_never_let_go_is_a_store_error_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.store.engine.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("lossmon.store.writer._PAUSES", (0.01,))
    writer = open_writer(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked"):
        writer.write([batch(0)])
    with pytest.raises(StoreError, match="database is locked"):
        writer.trouble("locked")
    holder.execute("COMMIT")
    holder.close()
    writer.write([batch(0)])
    writer.trouble("locked")
    writer.close()
    store = open_store(path)
    assert len(list(store.export_batches("latest"))) == 1
    assert len(store.run("latest")["troubles"]) == 1


def instructions_of(store: Store, run: str) -> int:
    """What a first view costs SQLite, in hundreds of the instructions of its virtual machine."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(count, 100)

    store.close()
    event.listen(store._engine, "connect", connected)
    store.batch_series(run, ["loss", "accuracy"], split="train", max_points=32)
    event.remove(store._engine, "connect", connected)
    return counted[0]


def test_a_first_view_costs_a_long_run_no_more_than_a_short_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.store.series._LEAST_BUCKETS", 32)
    for name, steps in (("short", 5_000), ("long", 40_000)):
        writer = open_writer(path, name=name)
        writer.write([batch(step, loss=0.5, accuracy=0.5) for step in range(steps)])
        writer.close()
    store = open_store(path)
    short, long = (instructions_of(store, run) for run in ("short", "long"))
    assert 0 < long <= 1.5 * short < 500
