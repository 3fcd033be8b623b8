from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from lossmon.store import open_store
from lossmon.store.engine import database_url, opened
from lossmon.store.liveness import HEARTBEAT_SECONDS, present_status, process_lives
from lossmon.store.stalling import read_silences
from tests.store.made import batch, open_writer

GONE = 2**22 + 1  # above the greatest process id that Linux hands out


def row(**fields: Any) -> dict[str, Any]:
    now = time.time()
    own = {"host": socket.gethostname(), "pid": os.getpid(), "started": now, "heartbeat": now}
    return {"status": "running", **own} | fields


def test_this_process_runs() -> None:
    assert present_status(row()) == "running"


def test_a_process_that_is_gone_was_interrupted() -> None:
    assert present_status(row(pid=GONE)) == "interrupted"


def test_a_process_of_another_host_is_judged_by_its_heartbeat() -> None:
    now = time.time()
    elsewhere = row(host="elsewhere", pid=GONE, heartbeat=now)
    assert present_status(elsewhere, now + HEARTBEAT_SECONDS - 1) == "running"
    assert present_status(elsewhere, now + HEARTBEAT_SECONDS + 1) == "interrupted"


def test_a_process_that_began_after_the_run_inherited_its_id() -> None:
    assert present_status(row(started=time.time() - 10 * 365 * 86400)) == "interrupted"


def test_what_has_ended_stays_so() -> None:
    for status in ("finished", "failed"):
        assert present_status(row(status=status, pid=GONE, heartbeat=0.0)) == status


def test_a_process_that_its_parent_has_not_yet_reaped_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_lives(child.pid, time.time())
    child.kill()
    deadline = time.monotonic() + 10
    while process_lives(child.pid, time.time()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process_lives(child.pid, time.time())
    child.communicate()


def test_every_view_shows_the_present_status(db: str) -> None:
    open_writer(db, pid=GONE).close()
    store = open_store(db)
    assert store.run_rows()[0]["status"] == "interrupted"
    assert store.run("latest")["status"] == "interrupted"
    assert list(store.runs()["status"]) == ["interrupted"]


def test_an_interrupted_run_lasted_until_its_last_heartbeat(db: str) -> None:
    open_writer(db, pid=GONE, started=time.time() - 50).close()
    (shown,) = open_store(db).run_rows()
    assert 50 <= shown["duration"] < 55
    assert shown["ended"] is None


def test_a_run_that_makes_no_more_batches_has_come_to_a_stop(db: str) -> None:
    writer, now = open_writer(db), time.time()
    store = open_store(db)
    assert store.run("latest")["stalled"] is None
    writer.write([batch(step, time=now - 65 + step) for step in range(3)])
    assert store.run("latest")["stalled"] == pytest.approx(63, abs=5)
    before = store.revision("latest")
    assert before.endswith("-stalled")
    # What takes half a minute each is not late after one.
    slow = [batch(10 + n, batch=n, time=now - 63 - 30 * (20 - n)) for n in range(20)]
    writer.write(slow)
    assert store.run("latest")["stalled"] is None
    writer.write([batch(40, time=now)])
    assert not store.revision("latest").endswith("-stalled")
    writer.finish("finished")
    assert store.run("latest")["stalled"] is None
    writer.close()


def test_more_runs_than_a_statement_takes_are_looked_at(db: str) -> None:
    writer, now = open_writer(db), time.time()
    writer.write([batch(step, time=now - 65 + step) for step in range(3)])
    writer.close()
    others = [f"other-{number}" for number in range(300)]
    with opened(database_url(db)) as engine, engine.connect() as connection:
        found = read_silences(connection, [*others, writer.run_id], now)
    assert found == {writer.run_id: pytest.approx(63, abs=5)}
