from __future__ import annotations

import os
import signal
import subprocess
import sys

from lossmon.store import RunWriter, check_database, open_store
from tests.store.made import batch, open_writer

WRITES, ROWS = 40, 25


def start_writer(db: str, name: str, writes: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.writing_process", db, name, str(writes)]
    return subprocess.Popen([*command, str(ROWS)], stdout=subprocess.PIPE, text=True)


def test_processes_write_at_once_while_a_reader_reads(db: str) -> None:
    open_writer(db, name="first").close()
    processes = [start_writer(db, f"writer-{i}", WRITES) for i in range(4)]
    store, seen = open_store(db), [0]
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
    assert check_database(db) == []


def test_after_sigkill_all_that_was_committed_is_there(db: str) -> None:
    process = start_writer(db, "killed", 1_000_000)
    assert process.stdout is not None
    committed = [int(process.stdout.readline()) for _ in range(20)][-1]
    os.kill(process.pid, signal.SIGKILL)
    told = process.communicate()[0].split()
    committed = int(told[-1]) if told else committed
    store = open_store(db)
    steps = [row["step"] for row in store.export_batches("killed")]
    assert steps == list(range(len(steps)))
    # The last commit may have been made and not yet told.
    assert len(steps) - committed in {0, ROWS}
    (run,) = store.run_rows()
    assert (run["status"], run["batches"]) == ("interrupted", len(steps))
    assert check_database(db) == []


def test_a_reader_in_mid_transaction_sees_one_state_and_stops_no_writer(
    writer: RunWriter, db: str
) -> None:
    writer.write([batch(step) for step in range(12_000)])
    store = open_store(db)
    rows = store.export_batches("latest")
    next(rows)
    writer.write([batch(step) for step in range(12_000, 13_000)])
    assert 1 + sum(1 for _ in rows) == 12_000
    assert sum(1 for _ in store.export_batches("latest")) == 13_000
