"""What a killed training had secured and not stored: delivered once, to the run that is there."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from lossmon.errors import StoreError
from lossmon.records import BatchRecord
from lossmon.store import Records, RunHeader, RunWriter, SecuredSteps, open_store, sync
from lossmon.store.spool import Spool, secured_path, spool_path
from tests.store.made import OUTPUT, batch, run_record

KILLED = "not recomputed: training was killed"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


def secured(step: int) -> BatchRecord:
    return batch(step, loss=1.0 / (step + 1), status="unverified", reason=KILLED)


class Training:
    """A training that stored three steps, and secured the last of them and three more."""

    def __init__(self, db: str | Path, **fields: object) -> None:
        self.header = RunHeader(str(db), run_record(**fields), [OUTPUT])
        self.writer = RunWriter.continued(self.header)
        self.steps = SecuredSteps(self.header)
        self.writer.deliver(Records([batch(step, loss=1.0 / (step + 1)) for step in range(3)]))
        assert self.steps.keep(Records([secured(step) for step in range(2, 4)]))
        assert self.steps.keep(Records([secured(step) for step in range(4, 6)]))
        self.file = secured_path(self.header)
        assert self.file.exists()

    def kill(self) -> None:
        self.writer.close()
        assert self.steps._spool is not None
        self.steps._spool.close(delete=False)


def steps_of(db: str | Path) -> list[int]:
    return [row["step"] for row in open_store(db).export_batches("latest")]


def test_whoever_opens_the_database_finds_what_a_killed_training_had_secured(db: str) -> None:
    training = Training(db)
    training.kill()
    rows = list(open_store(db).export_batches("latest"))
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 5]
    # What was stored already stays as it is.
    assert [row["reason"] for row in rows] == [None] * 3 + [KILLED] * 3
    assert open_store(db).run_rows()[0]["batches"] == 6
    assert not training.file.exists()


def test_it_is_left_to_a_training_that_lives(path: Path) -> None:
    training = Training(path)
    assert steps_of(path) == [0, 1, 2]
    # Nothing of it waits.
    assert sync() == []
    assert training.steps.keep(Records([secured(6)]))
    training.kill()
    assert steps_of(path) == list(range(7))


def test_what_is_stored_is_forgotten(path: Path, folder: Path) -> None:
    training = Training(path)
    first = training.steps.last
    assert training.steps.keep(Records([secured(6)]))
    training.steps.forget(first)
    training.kill()
    assert steps_of(path) == [0, 1, 2, 6]
    training = Training(path)
    training.steps.close()
    training.writer.close()
    assert list(folder.iterdir()) == []


def test_it_comes_after_what_the_training_had_spooled(path: Path, folder: Path) -> None:
    training = Training(path)
    spool = Spool(spool_path(training.header), training.header)
    spool.append(Records([batch(3, loss=0.25)]))
    spool.close(delete=False)
    training.kill()
    assert steps_of(path) == [0, 1, 2]
    assert [synced.problem for synced in sync()] == [None, None]
    rows = list(open_store(path).export_batches("latest"))
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row["reason"] for row in rows] == [None] * 4 + [KILLED] * 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("how", ["opened", "synced"])
def test_a_run_that_was_deleted_does_not_come_back(path: Path, how: str) -> None:
    training, other = Training(path), Training(path, name="other")
    other.writer.close()
    other.steps.close()
    training.writer.close()
    open_store(path).delete([training.header.run.id])
    training.kill()
    if how == "synced":
        assert sync() == []
    assert [row["name"] for row in open_store(path).run_rows()] == ["other"]
    assert not training.file.exists()


def test_a_database_that_is_not_there_is_not_made_anew(path: Path) -> None:
    training = Training(path)
    training.kill()
    away = path.rename(path.with_suffix(".away"))
    with pytest.raises(StoreError, match="no such file"):
        open_store(path).run_rows()
    (waiting,) = sync()
    assert "no such file" in str(waiting.problem)
    assert not path.exists()
    away.rename(path)
    assert steps_of(path) == [0, 1, 2, 3, 4, 5]


def test_another_database_is_opened_without_a_look_at_it(path: Path, tmp_path: Path) -> None:
    training = Training(path)
    training.kill()
    other = tmp_path / "other.db"
    RunWriter.open(other, run_record(name="other")).close()
    assert open_store(other).run_rows()[0]["batches"] == 0
    assert training.file.exists()


def test_a_file_that_cannot_be_read_keeps_nobody_from_reading(path: Path, folder: Path) -> None:
    RunWriter.open(path, run_record()).close()
    folder.mkdir()
    (folder / "broken-0.steps.spool").write_bytes(b"no database" * 100)
    assert open_store(path).run_rows()[0]["batches"] == 0
    (broken,) = sync()
    assert "broken-0.steps.spool" in str(broken.problem)


def test_a_folder_that_takes_nothing_is_asked_once(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = RunHeader(str(path), run_record(), [OUTPUT])
    folder.write_text("")
    RunWriter.continued(header).close()
    steps = SecuredSteps(header)
    assert not steps.keep(Records([secured(0)]))
    folder.unlink()
    assert not steps.keep(Records([secured(0)]))
    steps.forget(1)
    steps.close()
    assert not folder.exists()


def test_a_full_spool_still_belongs_to_its_training(path: Path) -> None:
    training = Training(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lossmon.store.spool.MOST_BYTES", 0)
        assert not training.steps.keep(Records([secured(6)]))
    # What it holds is stored by the training itself, and nobody must be quicker.
    assert steps_of(path) == [0, 1, 2]
    with (
        pytest.raises(sqlite3.OperationalError, match="locked"),
        sqlite3.connect(training.file, timeout=0.0) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
    training.kill()


def test_a_run_that_is_not_begun_is_not_begun_by_what_is_secured(path: Path, folder: Path) -> None:
    header = RunHeader(str(path), run_record(), [OUTPUT])
    steps = SecuredSteps(header)
    assert not steps.keep(Records([secured(0)]))
    assert not folder.exists()
    RunWriter.continued(header).close()
    assert steps.keep(Records([secured(0)]))
    steps.close()


def test_of_a_training_whose_database_was_replaced_it_waits_for_the_right_one(path: Path) -> None:
    training = Training(path)
    training.kill()
    right = path.rename(path.with_suffix(".right"))
    RunWriter.open(path, run_record(name="other")).close()
    assert [row["name"] for row in open_store(path).run_rows()] == ["other"]
    (waiting,) = sync()
    assert "Received: another one" in str(waiting.problem)
    right.rename(path)
    assert steps_of(path) == [0, 1, 2, 3, 4, 5]


def test_where_a_training_goes_on_in_another_database_it_goes_there(path: Path) -> None:
    training = Training(path)
    path.rename(path.with_suffix(".away"))
    training.writer.close()
    training.writer = RunWriter.continued(training.header)
    assert training.writer.moved
    assert training.steps.keep(Records([secured(6)]))
    training.kill()
    assert steps_of(path) == [2, 3, 4, 5, 6]


def test_whoever_reads_does_not_wait_for_a_lock(path: Path) -> None:
    training = Training(path)
    training.kill()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert steps_of(path) == [0, 1, 2]
        # Two openings, or one and what it reads; by default a lock is waited for ten seconds.
        assert time.monotonic() - began < 5.0
    assert steps_of(path) == [0, 1, 2, 3, 4, 5]


def test_nothing_but_what_is_named_goes_elsewhere(path: Path, tmp_path: Path) -> None:
    training, elsewhere = Training(path), tmp_path / "elsewhere.db"
    training.kill()
    assert sync(to=elsewhere) == []
    assert not elsewhere.exists()
    (delivered,) = sync(to=elsewhere, run=training.header.run.id)
    assert (delivered.problem, delivered.batches) == (None, 4)
    assert steps_of(elsewhere) == [2, 3, 4, 5]


def test_what_waits_for_a_spool_waits(path: Path) -> None:
    training = Training(path)
    spool = Spool(spool_path(training.header), training.header)
    spool.append(Records([batch(3, loss=0.25)]))
    training.kill()
    (waiting,) = sync()
    assert "is using it" in str(waiting.problem)
    assert steps_of(path) == [0, 1, 2]
    spool.close(delete=False)
    assert [synced.batches for synced in sync()] == [1, 4]


def test_a_file_that_was_removed_takes_nothing_more(path: Path) -> None:
    training = Training(path)
    training.file.unlink()
    assert not training.steps.keep(Records([secured(6)]))
    assert not training.steps.usable
    training.steps.close()
    training.writer.close()


def test_whoever_looks_at_it_ends_nothing(path: Path) -> None:
    header = RunHeader(str(path), run_record(), [OUTPUT])
    RunWriter.continued(header).close()
    reader = Spool(secured_path(header), header)
    steps = SecuredSteps(header)
    assert not steps.keep(Records([secured(0)]))
    reader.close(delete=False)
    assert steps.keep(Records([secured(0)]))
    steps.close()


def test_the_position_of_a_run_does_not_go_back(path: Path) -> None:
    training = Training(path)
    assert training.steps.keep(Records([secured(1)]))
    training.writer.deliver(Records([batch(step, loss=0.5) for step in range(3, 9)]))
    training.kill()
    assert steps_of(path) == list(range(9))
    (run,) = open_store(path).run_rows()
    assert (run["step"], run["batches"]) == (8, 9)


def test_a_folder_that_cannot_be_named_keeps_nobody_from_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunWriter.open(path, run_record()).close()
    monkeypatch.setenv("LOSSMON_SPOOL", "~nobody-of-that-name/spool")
    assert open_store(path).run_rows()[0]["batches"] == 0
