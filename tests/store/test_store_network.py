"""A network that fails between a training and its server: nothing is lost, and nobody waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossmon.store import open_store
from tests.store.network import Network, network
from tests.store.postgres import PostgresServer
from tests.store.soak import account, start, synced


@pytest.fixture(autouse=True)
def spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


@pytest.fixture
def db(postgres: PostgresServer) -> Iterator[str]:
    taken = postgres.take()
    yield taken
    postgres.give_back(taken)


@pytest.fixture
def line(db: str) -> Iterator[Network]:
    with network(db) as made:
        yield made


def test_a_network_that_is_cut_in_mid_run_gets_all_of_it_later(
    db: str, line: Network, spool: Path
) -> None:
    training = start(line.url, "cut", 5)
    training.begin()
    line.cut()
    time.sleep(2)
    assert list(spool.iterdir())
    line.mend()
    account(db, {"cut": training.wait()})
    assert list(spool.iterdir()) == []


def test_a_server_that_never_answers_holds_nobody_up(
    db: str, line: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = start(line.url, "unanswered", 3, "answer=0.5")
    training.begin()
    line.fall_silent()
    began = time.monotonic()
    count = training.wait(timeout=30)
    assert time.monotonic() - began < 20
    assert training.process.returncode == 0
    line.mend()
    monkeypatch.setenv("LOSSMON_DB", line.url)
    synced()
    account(db, {"unanswered": count})


def test_a_server_that_answers_late_is_waited_for(db: str, line: Network, spool: Path) -> None:
    training = start(line.url, "late", 3)
    training.begin()
    line.fall_silent()
    time.sleep(1)
    line.mend()
    account(db, {"late": training.wait()})
    assert not spool.exists()
    assert open_store(db).run("late")["troubles"] == []
