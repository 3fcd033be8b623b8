from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lossmon.errors import StoreError
from lossmon.store import RunWriter, open_store
from tests.store.made import batch, open_writer

WRITES, ROWS = 40, 25


def start_writer(path: Path, name: str, writes: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.writing_process", str(path), name, str(writes)]
    return subprocess.Popen([*command, str(ROWS)], stdout=subprocess.PIPE, text=True)


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return answer == "ok"


def test_processes_write_at_once_while_a_reader_reads(path: Path) -> None:
    open_writer(path, name="first").close()
    processes = [start_writer(path, f"writer-{i}", WRITES) for i in range(4)]
    store, seen = open_store(path), [0]
    while any(process.poll() is None for process in processes):
        seen.append(sum(row["batches"] for row in store.run_rows()))
    assert [process.wait(60) for process in processes] == [0] * 4
    assert seen == sorted(seen)
    for i, process in enumerate(processes):
        process.communicate()
        run = store.run(f"writer-{i}")
        assert (run["status"], run["batches"]) == ("finished", WRITES * ROWS)
        steps = [row["step"] for row in store.export_batches(f"writer-{i}")]
        assert steps == list(range(WRITES * ROWS))
    assert sound(path)


def test_after_sigkill_all_that_was_committed_is_there(path: Path) -> None:
    process = start_writer(path, "killed", 1_000_000)
    assert process.stdout is not None
    committed = [int(process.stdout.readline()) for _ in range(20)][-1]
    os.kill(process.pid, signal.SIGKILL)
    told = process.communicate()[0].split()
    committed = int(told[-1]) if told else committed
    store = open_store(path)
    steps = [row["step"] for row in store.export_batches("killed")]
    assert steps == list(range(len(steps)))
    # The last commit may have been made and not yet told.
    assert len(steps) - committed in {0, ROWS}
    (run,) = store.run_rows()
    assert (run["status"], run["batches"]) == ("interrupted", len(steps))
    assert sound(path)


def test_a_writer_waits_for_a_lock(writer: RunWriter, path: Path) -> None:
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(1); c.execute('COMMIT')"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    begun = time.monotonic()
    writer.write([batch(0)])
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


def test_a_reader_in_mid_transaction_sees_one_state_and_stops_no_writer(
    writer: RunWriter, path: Path
) -> None:
    writer.write([batch(step) for step in range(12_000)])
    store = open_store(path)
    rows = store.export_batches("latest")
    next(rows)
    writer.write([batch(step) for step in range(12_000, 13_000)])
    assert 1 + sum(1 for _ in rows) == 12_000
    assert sum(1 for _ in store.export_batches("latest")) == 13_000
