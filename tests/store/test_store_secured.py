"""What a killed training had secured and not stored: delivered once, to the run that is there."""

from __future__ import annotations

import sqlite3
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
    (waiting,) = sync()
    assert waiting.problem == "a training that runs, or another sync, is using it"
    assert training.steps.keep(Records([secured(6)]))
    training.kill()
    assert steps_of(path) == list(range(7))


def test_what_is_stored_is_forgotten(path: Path, folder: Path) -> None:
    training = Training(path)
    training.steps.clear()
    training.kill()
    assert steps_of(path) == [0, 1, 2]
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
    steps = SecuredSteps(header)
    assert not steps.keep(Records([secured(0)]))
    folder.unlink()
    assert not steps.keep(Records([secured(0)]))
    steps.clear()
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
