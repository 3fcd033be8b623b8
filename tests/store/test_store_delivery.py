"""What a training hands over while the database is away: kept, delivered once, or counted."""

from __future__ import annotations

import json
import math
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from lossmon.store import (
    Delivery,
    Ending,
    Records,
    RunHeader,
    Trouble,
    check_database,
    open_store,
    sync,
)
from lossmon.store.encoding import decode_header, decode_records, encode_header, encode_records
from lossmon.store.spool import Spool, SpoolError, spool_path
from tests.store.made import FINDING, OUTPUT, batch, epoch, run_record, sample_record
from tests.store.postgres import PostgresServer

MODULE = "lossmon.store.delivery"
Deliver = Callable[..., Delivery]


@pytest.fixture(autouse=True)
def spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr(f"{MODULE}.GRACE", 0.3)
    return tmp_path / "spool"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def deliver(said: list[str]) -> Deliver:
    def begin(db: str | Path, **fields: Any) -> Delivery:
        return Delivery(RunHeader(str(db), run_record(**fields), [OUTPUT]), said.append)

    return begin


def steps(first: int, end: int) -> Records:
    return Records([batch(step, loss=1.0 / (step + 1)) for step in range(first, end)])


def finish(delivery: Delivery) -> None:
    delivery.finish(Ending("finished", time.time(), 2.5))


def stored(db: str | Path, run: str = "latest") -> list[int]:
    assert check_database(db) == []
    return [row["step"] for row in open_store(db).export_batches(run)]


class Away:
    """A SQLite file that cannot be made, for its folder is a file."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "away"
        self.db = self.folder / "lossmon.db"
        self.folder.write_text("")

    def come_back(self) -> None:
        self.folder.unlink()


@pytest.fixture
def away(tmp_path: Path) -> Away:
    return Away(tmp_path)


def until_said(words: str, said: list[str], delivery: Delivery) -> None:
    """Said when the database takes records again, which is after its file is there."""
    until(lambda: any(words in message for message in said), delivery)


def until(condition: Callable[[], bool], delivery: Delivery) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        delivery.send(Records())
        time.sleep(0.02)


def test_without_faults_nothing_is_said_and_no_spool_is_made(
    db: str, deliver: Deliver, said: list[str], spool: Path
) -> None:
    delivery = deliver(db)
    delivery.send(steps(0, 10))
    delivery.send(Records())
    delivery.send(Records(epochs=[epoch(0)], troubles=[Trouble(1.0, "small")]))
    finish(delivery)
    run = open_store(db).run("latest")
    assert stored(db) == list(range(10))
    assert (run["status"], run["duration"], run["dropped"]) == ("finished", 2.5, 0)
    assert [trouble["message"] for trouble in run["troubles"]] == ["small"]
    assert (said, spool.exists()) == ([], False)


def test_what_waits_when_a_run_ends_is_delivered_once_by_sync(
    away: Away, deliver: Deliver, said: list[str], spool: Path
) -> None:
    delivery = deliver(away.db)
    for first in range(0, 100, 10):
        delivery.send(steps(first, first + 10))
    delivery.send(Records(epochs=[epoch(0)], findings=[FINDING]))
    finish(delivery)
    (message,) = said
    assert "did not take all of run 'a-run'" in message
    (file,) = spool.glob("*.spool")
    assert str(file) in message
    assert "lossmon sync" in message
    (waiting,) = sync()
    assert waiting.problem is not None
    away.come_back()
    (delivered,) = sync()
    assert (delivered.batches, delivered.epochs, delivered.problem) == (100, 1, None)
    assert sync() == []
    assert stored(away.db) == list(range(100))
    run = open_store(away.db).run("latest")
    assert (run["status"], run["batches"], len(run["epochs"])) == ("finished", 100, 1)
    assert [finding["code"] for finding in run["findings"]] == ["LM301"]
    assert list(spool.iterdir()) == []


def test_a_sync_that_breaks_off_doubles_nothing(
    away: Away, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = deliver(away.db)
    for first in range(0, 200, 20):
        delivery.send(steps(first, first + 20))
        delivery.send(Records(troubles=[Trouble(float(first), "again")]))
    finish(delivery)
    away.come_back()
    remove = Spool.remove

    def broken(self: Spool, number: int) -> None:
        if number == 9:
            raise KeyboardInterrupt
        if number % 3:
            remove(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", broken)
        with pytest.raises(KeyboardInterrupt):
            sync()
    assert 0 < len(stored(away.db)) < 200
    assert [one.problem for one in sync()] == [None]
    assert stored(away.db) == list(range(200))
    run = open_store(away.db).run("latest")
    assert (run["batches"], len(run["troubles"])) == (200, 10)


def test_what_was_pruned_after_a_sync_broke_off_is_not_delivered_again(
    away: Away, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = deliver(away.db, pid=2**22 - 1)
    for first in range(0, 500, 100):
        delivery.send(steps(first, first + 100))
    finish(delivery)
    away.come_back()
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", lambda *_: (_ for _ in ()).throw(SpoolError("full")))
        assert [one.problem for one in sync()] == ["full"]
    assert open_store(away.db).prune("latest") == 64
    assert [one.problem for one in sync()] == [None]
    store = open_store(away.db)
    series = store.batch_series("latest", ["loss"], split="train", max_points=1000)
    assert [row["step"] for row in store.export_batches("latest")] == list(range(64, 500))
    assert series["step"].max() == 499
    assert len(set(series["step"])) == len(series["step"])
    assert store.run("latest")["batches"] == 500


@pytest.mark.parametrize("full", ["_tell", "remove"])
def test_a_run_that_was_deleted_after_a_sync_broke_off_stays_deleted(
    away: Away, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    delivery = deliver(away.db)
    delivery.send(steps(0, 10))
    finish(delivery)
    away.come_back()
    with monkeypatch.context() as patch:
        error = SpoolError("full") if full == "remove" else sqlite3.OperationalError("full")
        patch.setattr(Spool, full, lambda *_: (_ for _ in ()).throw(error))
        assert [one.problem for one in sync()] == ["full" if full == "remove" else None]
    open_store(away.db).delete(["latest"])
    told = [str(one.problem) for one in sync()]
    assert open_store(away.db).run_rows() == []
    assert ["it was deleted. Fix: delete" in problem for problem in told] == [True] * len(told)
    assert len(told) == (full == "remove")


def test_a_database_that_comes_back_within_the_run_gets_all_in_order(
    away: Away, deliver: Deliver, said: list[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.SAID_AFTER", 0.1)
    delivery = deliver(away.db)
    delivery.send(steps(0, 50))
    time.sleep(0.2)
    delivery.send(steps(50, 100))
    assert len(list(spool.glob("*.spool"))) == 1
    away.come_back()
    until(lambda: not list(spool.iterdir()), delivery)
    delivery.send(steps(100, 150))
    finish(delivery)
    assert stored(away.db) == list(range(150))
    told = [trouble["message"] for trouble in open_store(away.db).run("latest")["troubles"]]
    assert told == said
    assert ["training goes on" in said[0], "takes records again" in said[1]] == [True, True]


def test_what_neither_the_database_nor_the_spool_takes_is_dropped_batches_first_and_counted(
    away: Away, deliver: Deliver, said: list[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.HELD_BATCHES", 100)
    spool.write_text("no folder can be made here")
    delivery = deliver(away.db)
    for first in range(0, 250, 50):
        delivery.send(steps(first, first + 50))
        delivery.send(Records(epochs=[epoch(first // 50)]))
    delivery.send(Records(findings=[FINDING]))
    away.come_back()
    until_said("150 records were dropped", said, delivery)
    finish(delivery)
    assert stored(away.db) == list(range(150, 250))
    run = open_store(away.db).run("latest")
    assert (run["dropped"], len(run["epochs"]), len(run["findings"])) == (150, 5, 1)
    assert sum("are being dropped" in message for message in said) == 1
    assert "150 records were dropped" in [trouble["message"] for trouble in run["troubles"]]


def test_samples_that_nothing_takes_are_dropped_oldest_first_and_counted(
    away: Away, deliver: Deliver, said: list[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.HELD_SAMPLES", 2)
    spool.write_text("no folder can be made here")
    delivery = deliver(away.db)
    for number in range(5):
        delivery.send(Records(epochs=[epoch(number)], samples=[sample_record(number)]))
    away.come_back()
    until_said("3 records were dropped", said, delivery)
    finish(delivery)
    store = open_store(away.db)
    assert store.sample_epochs("latest") == [3, 4]
    assert (store.run("latest")["dropped"], len(store.epoch_rows("latest"))) == (3, 5)


def test_samples_that_wait_are_delivered_by_sync(away: Away, deliver: Deliver) -> None:
    delivery = deliver(away.db)
    delivery.send(Records(samples=[sample_record(0), sample_record(1)]))
    finish(delivery)
    away.come_back()
    assert [one.problem for one in sync()] == [None]
    found = open_store(away.db).sample_records("latest")
    assert [record.epoch for record in found] == [0, 1]
    assert found[0].loss.tolist() == sample_record(0).loss.tolist()
    assert found[0].samples is found[1].samples


def test_what_is_lost_in_the_end_is_said(
    away: Away, deliver: Deliver, said: list[str], spool: Path
) -> None:
    spool.write_text("no folder can be made here")
    delivery = deliver(away.db)
    delivery.send(steps(0, 30))
    finish(delivery)
    assert "Lost, because nothing kept them: 30 batch records" in said[-1]


@pytest.mark.parametrize("bound", ["MOST_BYTES", "FREE_BYTES"])
def test_a_full_spool_still_takes_epochs_or_leaves_them_in_memory(
    bound: str, away: Away, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = deliver(away.db)
    delivery.send(steps(0, 10))
    monkeypatch.setattr("lossmon.store.spool._RESERVED", 0.7)
    limit = 200_000 if bound == "MOST_BYTES" else 2**62
    monkeypatch.setattr(f"lossmon.store.spool.{bound}", limit)
    for first in range(10, 400, 10):
        delivery.send(steps(first, first + 10))
        delivery.send(Records(epochs=[epoch(first // 10)]))
    assert delivery._held.batches
    assert bool(delivery._held.epochs) == (bound == "FREE_BYTES")
    away.come_back()
    until(lambda: not delivery._held, delivery)
    finish(delivery)
    assert stored(away.db) == list(range(400))
    assert len(open_store(away.db).epoch_rows("latest")) == 39


def test_a_run_that_was_deleted_is_recorded_no_further(
    db: str, deliver: Deliver, said: list[str]
) -> None:
    delivery = deliver(db)
    delivery.send(steps(0, 10))
    open_store(db).delete(["latest"])
    for first in (10, 20):
        delivery.send(steps(first, first + 10))
    finish(delivery)
    assert open_store(db).run_rows() == []
    assert len(said) == 1
    assert "it was deleted while it was being recorded" in said[0]


def test_a_file_that_was_removed_is_begun_anew_though_its_inode_is_used_again(
    path: Path, deliver: Deliver, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossmon.store.identity.file_identity", lambda _: (1, 2))
    delivery = deliver(path)
    delivery.send(steps(0, 10))
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    delivery.send(steps(10, 20))
    until_said("removed or replaced", said, delivery)
    finish(delivery)
    assert stored(path) == list(range(10, 20))
    (trouble,) = open_store(path).run("latest")["troubles"]
    assert "removed or replaced in mid-run, and the run begun anew" in trouble["message"]
    assert said == [trouble["message"]]
    assert open_store(path).run("latest")["begun_anew"] is True


def test_a_file_that_is_replaced_by_an_older_copy_is_told_so(
    path: Path, deliver: Deliver, said: list[str]
) -> None:
    delivery, copy = deliver(path), path.with_name("copy.db")
    delivery.send(steps(0, 10))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    delivery.send(steps(10, 20))
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    copy.rename(path)
    delivery.send(steps(20, 30))
    until_said("replaced in mid-run by one that knows this run", said, delivery)
    finish(delivery)
    assert stored(path) == [*range(10), *range(20, 30)]
    document = open_store(path).run("latest")
    assert [trouble["message"] for trouble in document["troubles"]] == said
    assert document["begun_anew"] is False


def test_a_database_of_a_server_that_was_made_anew_is_begun_anew(
    postgres: PostgresServer, deliver: Deliver
) -> None:
    db = postgres.take()
    delivery = deliver(db)
    delivery.send(steps(0, 10))
    name = make_url(db).database
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    delivery.send(steps(10, 20))
    until(lambda: delivery._courier is None, delivery)
    finish(delivery)
    assert stored(db) == list(range(10, 20))
    postgres.give_back(db)


def test_a_spool_that_a_training_uses_is_left_to_it(away: Away, deliver: Deliver) -> None:
    delivery = deliver(away.db)
    delivery.send(steps(0, 10))
    (waiting,) = sync()
    assert "a training that runs" in str(waiting.problem)
    finish(delivery)


def test_what_is_delivered_late_of_a_killed_run_does_not_bring_it_to_life(
    away: Away, deliver: Deliver
) -> None:
    delivery = deliver(away.db, host="elsewhere", started=time.time() - 100)
    delivery.send(steps(0, 10))
    courier = delivery._courier
    assert courier is not None
    courier.stop()
    (file,) = spool_path(delivery._header).parent.glob("*.spool")
    spool = Spool(file)
    number, records = spool.first(0) or (0, Records())
    spool.remove(number)
    spool.append(replace(records, time=time.time() - 60))
    spool.close(delete=False)
    away.come_back()
    assert [one.problem for one in sync()] == [None]
    run = open_store(away.db).run("latest")
    assert run["status"] == "interrupted"
    assert 39 < run["duration"] < 42


def test_only_what_was_meant_is_delivered_and_elsewhere_when_asked(
    away: Away, deliver: Deliver, path: Path
) -> None:
    for name in ("one", "two"):
        delivery = deliver(away.db, name=name)
        delivery.send(steps(0, 10))
        finish(delivery)
    assert sync(db=path) == []
    assert [(one.name, one.batches) for one in sync(to=path, run="two")] == [("two", 10)]
    assert [row["name"] for row in open_store(path).run_rows()] == ["two"]
    away.come_back()
    assert [one.name for one in sync(db=away.db)] == ["one"]


def test_a_damaged_spool_is_told_and_left(spool: Path) -> None:
    spool.mkdir()
    (spool / "0123456789ab-0.spool").write_bytes(b"this is no database" * 1000)
    (told,) = sync()
    assert (told.run_id, "not a database" in str(told.problem)) == (None, True)
    assert told.path.exists()


def test_a_spool_keeps_no_password_and_is_the_users_own(spool: Path) -> None:
    db = "postgresql://me:secret@localhost:1/nowhere"
    file = Spool(spool / "x.spool", RunHeader(db, run_record()))
    assert "secret" not in file.path.read_bytes().decode("latin-1")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    file.close(delete=False)
    header = Spool(file.path).header
    assert header.db == "postgresql+psycopg://me@localhost:1/nowhere"


def test_what_an_older_lossmon_did_not_know_of_is_not_demanded_of_its_spool() -> None:
    header = RunHeader("x.db", run_record(), [OUTPUT], place=(1, 2, 3))
    document = json.loads(encode_header(header))
    del document["run"]["rules"], document["outputs"][0]["intended_metric"], document["seconds"]
    assert decode_header(json.dumps(document)) == header


def test_a_spool_of_another_format_is_refused(spool: Path) -> None:
    file = Spool(spool / "x.spool", RunHeader("x.db", run_record()))
    file.close(delete=False)
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    (told,) = sync()
    assert "format 99" in str(told.problem)


def test_records_come_back_from_text_as_they_were() -> None:
    records = Records(
        batches=[batch(0, loss=math.inf, accuracy=None), batch(1, output="ü\n", reason="because")],
        epochs=[epoch(0, metrics=[{"key": "auc", "value": -math.inf}], reported={"loss": 0.1})],
        findings=[FINDING],
        withdrawn=[replace(FINDING, code="LM404")],
        troubles=[Trouble(1.5, "slow")],
        dropped=3,
        ending=Ending("failed", 2.5, 1.0),
        outputs=[OUTPUT],
        time=7.0,
    )
    assert decode_records(encode_records(records)) == records
    header = RunHeader("x.db", run_record(tags=("a", "b"), config={"lr": 0.1}), [OUTPUT], 2, 5)
    header.place = (1, 2)
    assert decode_header(encode_header(header)) == header
