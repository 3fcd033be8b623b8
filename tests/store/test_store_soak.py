"""Faults injected into real processes: each ends with an exact account of what was recorded."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from lossmon.errors import StoreError
from lossmon.store import check_database, open_store, sync
from tests.store.postgres import StoppableServer, stoppable_server
from tests.store.soak import account, start, steps_of, synced

# A short form in every test run, a long one in `make soak`.
LENGTHS = [pytest.param(False, id="short"), pytest.param(True, id="long", marks=pytest.mark.slow)]
long_too = pytest.mark.parametrize("long", LENGTHS)


@pytest.fixture(autouse=True)
def spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


@pytest.fixture
def lock(path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """What takes the write lock of the database, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:

        def take() -> sqlite3.Connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection

        yield take


def kill(path: Path, name: str, after: float) -> int:
    """Kill a training some time after its first batches; return how many it had handed over."""
    training = start(path, name, 60)
    training.begin()
    time.sleep(after)
    training.process.send_signal(signal.SIGKILL)
    return training.wait()


def await_stored(path: Path) -> None:
    """Wait for the first batches in the file: what is handed over may wait in a spool."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(StoreError):
            if any(row["batches"] for row in open_store(path).run_rows()):
                return
        time.sleep(0.02)
    raise TimeoutError("expected some training to store its first batches within a minute")


@long_too
def test_sigkill_at_random_moments_loses_nothing_that_was_handed_over(
    path: Path, lock: Callable[[], sqlite3.Connection], long: bool
) -> None:
    chance = random.Random(0)
    handed_over: dict[str, int] = {}
    for number in range(50 if long else 3):
        locked = number % 2 == 1
        holder = lock() if locked else None
        name = f"killed-{number}"
        handed_over[name] = kill(path, name, chance.uniform(0.0, 1.0))
        if holder is not None:
            holder.execute("COMMIT")
    synced()
    assert check_database(path) == []
    store = open_store(path)
    assert {row["status"] for row in store.run_rows()} == {"interrupted"}
    for name, count in handed_over.items():
        steps = steps_of(store, name)
        assert steps == list(range(len(steps)))
        # What was stored just before it could be told may be there too.
        assert len(steps) >= count > 0


@long_too
def test_eight_processes_write_while_readers_read(path: Path, long: bool) -> None:
    seconds = 20 if long else 3
    trainings = [start(path, f"run-{i}", seconds) for i in range(8)]
    trainings[0].begin()
    await_stored(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        # One reader holds its state of the file throughout.
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM batches").fetchone()
        store, seen = open_store(path), [0]
        while any(training.process.poll() is None for training in trainings):
            seen.append(sum(row["batches"] for row in store.run_rows()))
        assert reader.execute("SELECT count(*) FROM batches").fetchone() == before
    assert seen == sorted(seen)
    handed_over = {training.name: training.wait() for training in trainings}
    assert [training.process.returncode for training in trainings] == [0] * 8
    assert sync() == []
    account(path, handed_over)


@long_too
def test_a_file_that_is_locked_for_long_gets_all_of_it_later(
    path: Path, lock: Callable[[], sqlite3.Connection], spool: Path, long: bool
) -> None:
    training = start(path, "locked", 60 if long else 5)
    training.begin()
    holder = lock()
    time.sleep(50 if long else 4)
    assert list(spool.iterdir())
    holder.execute("COMMIT")
    store = account(path, {"locked": training.wait()})
    assert list(spool.iterdir()) == []
    said = [trouble["message"] for trouble in store.run("locked")["troubles"]]
    assert "database is locked" in said[0]
    assert "takes records again" in said[1]


@long_too
def test_a_clock_that_jumps_changes_no_account(path: Path, long: bool) -> None:
    training = start(path, "jumpy", 20 if long else 1.5, "clock")
    store = account(path, {"jumpy": training.wait()})
    assert store.run("jumpy")["duration"] < 60


@long_too
def test_files_that_may_not_grow_are_a_full_disk(path: Path, long: bool) -> None:
    """Neither the database nor the spool can be written for a third of the time."""
    training = start(path, "limited", 60 if long else 3, "files=20000")
    count = training.wait()
    synced()
    run = account(path, {"limited": count}).run("limited")
    assert run["dropped"] > 0
    assert f"{run['dropped']} records were dropped" in [t["message"] for t in run["troubles"]]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("spooled", [True, False], ids=["spool-elsewhere", "spool-there-too"])
def test_a_full_disk_gets_all_of_it_when_there_is_room(
    small_disk: Path, spooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not spooled:
        monkeypatch.setenv("LOSSMON_SPOOL", str(small_disk / "spool"))
    db, ballast = small_disk / "lossmon.db", small_disk / "ballast"
    training = start(db, "full", 12)
    training.begin()
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    time.sleep(6)
    ballast.unlink()
    count = training.wait()
    synced()
    account(db, {"full": count})


def damage(path: Path) -> None:
    """Overwrite the pages through which the batches are found."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE name IN ('batches', 'batches_in_order')"
        pages = [page for (page,) in connection.execute(query)]
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)


def test_damaged_pages_lose_nothing_that_comes_after_them(path: Path, tmp_path: Path) -> None:
    training = start(path, "damaged", 4)
    training.begin()
    time.sleep(1)
    damage(path)
    count = training.wait()
    assert any("damaged" in line for line in check_database(path))
    (waiting,) = sync()
    assert waiting.problem is not None
    other = tmp_path / "other.db"
    (delivered,) = sync(to=other)
    assert delivered.problem is None
    steps = steps_of(open_store(other), "damaged")
    assert steps == list(range(count - len(steps), count))
    assert len(steps) == delivered.batches > 500
    assert open_store(other).run("damaged")["status"] == "finished"


@pytest.fixture(scope="module")
def server() -> Iterator[StoppableServer]:
    with stoppable_server() as server:
        yield server


@long_too
def test_a_server_that_stops_under_eight_writers_gets_all_of_it(
    server: StoppableServer, long: bool
) -> None:
    db = server.take()
    absences: list[Any] = [0.5, 5] if long else [1]
    trainings = [start(db, f"run-{i}", 40 if long else 4) for i in range(8)]
    for training in trainings:
        training.begin()
    for seconds in absences:
        time.sleep(1)
        server.stop()
        time.sleep(seconds)
        server.start()
        time.sleep(5 if long else 0)
    handed_over = {training.name: training.wait() for training in trainings}
    assert [training.process.returncode for training in trainings] == [0] * 8
    synced()
    account(db, handed_over)
