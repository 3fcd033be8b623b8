"""A run that is continued is one run: no step twice, none missing, summaries as of one piece."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossmon.errors import CannotResume, RunGone, RunNotFound
from lossmon.store import (
    Delivery,
    Ending,
    Records,
    Resumable,
    RunHeader,
    RunWriter,
    check_database,
    find_resumable,
    open_store,
    sync,
)
from lossmon.store.edits import edit_run
from lossmon.store.engine import database_url
from tests.store.made import FINDING, OUTPUT, batch, epoch, open_writer, run_record

MODEL = {"class": "Sequential", "parameters": 25, "layers": 2}
EPOCH = 100
GONE = 2**22 + 1


@pytest.fixture(autouse=True)
def spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


def steps(first: int, end: int, scale: float = 1.0) -> list[Any]:
    rows = [
        batch(step, epoch=step // EPOCH, batch=step % EPOCH, loss=scale / (step + 1))
        for step in range(first, end)
    ]
    ends = [step for step in range(first, end) if step % EPOCH == EPOCH - 1]
    return rows + [batch(step, epoch=step // EPOCH, batch=0, split="val") for step in ends]


def recorded(db: str, count: int, status: str = "failed", **fields: Any) -> str:
    """A run of so many steps that has ended."""
    writer = open_writer(db, model=MODEL, **fields)
    writer.write(steps(0, count), [epoch(number) for number in range(count // EPOCH)])
    if status:
        writer.finish(status)  # pyright: ignore[reportArgumentType]
    writer.close()
    return writer.run_id


def resume(found: Resumable, db: str, at: int) -> tuple[int, RunWriter]:
    step, run = found.take_over(at, run_record())
    return step, RunWriter.continued(found.header(db, run, [OUTPUT]))


def test_steps_from_the_resumed_epoch_on_are_replaced(db: str) -> None:
    run_id = recorded(db, 450)
    found = find_resumable(db, "a-run", MODEL)
    assert (found.run_id, found.last_epoch) == (run_id, 3)
    step, writer = resume(found, db, 2)
    assert step == 200
    assert open_store(db).run("latest")["status"] == "running"
    writer.write(steps(200, 600, 2.0), [epoch(number) for number in range(2, 6)])
    writer.finish("finished")
    writer.close()
    store = open_store(db)
    run, rows = store.run("latest"), list(store.export_batches("latest"))
    train = [row for row in rows if row["split"] == "train"]
    assert [row["step"] for row in train] == list(range(600))
    scales = [row["loss"] * (row["step"] + 1) for row in train]
    assert scales == pytest.approx([1.0] * 200 + [2.0] * 400)
    assert [row["step"] for row in rows if row["split"] == "val"] == list(range(99, 600, 100))
    assert [row["epoch"] for row in run["epochs"]] == list(range(6))
    assert (run["batches"], run["status"], len(store.run_rows())) == (600, "finished", 1)
    (told,) = run["resumes"]
    assert (told["epoch"], told["step"], told["replaced"]) == (2, 200, 250)
    assert check_database(db) == []


def test_a_resumed_run_is_drawn_like_one_of_a_piece(db: str) -> None:
    recorded(db, 5_300, name="resumed")
    _, writer = resume(find_resumable(db, "resumed", MODEL), db, 47)
    writer.write(steps(4_700, 9_000))
    writer.close()
    whole = open_writer(db, name="whole")
    whole.write(steps(0, 9_000))
    whole.close()
    store = open_store(db)
    series = [
        store.batch_series(run, ["loss"], split="train", max_points=200)
        for run in ("resumed", "whole")
    ]
    for name in ("step", "epoch", "loss"):
        np.testing.assert_array_equal(series[0][name], series[1][name])
    assert check_database(db) == []


def test_findings_of_what_is_replaced_go_and_earlier_ones_stay(db: str) -> None:
    writer = open_writer(db)
    writer.write(steps(0, 100), findings=[FINDING])
    writer.write(steps(100, 200))
    writer.finish("failed")
    writer.close()
    _, writer = resume(find_resumable(db, "latest", MODEL), db, 1)
    assert [row["code"] for row in open_store(db).finding_rows("latest")] == ["LM301"]
    writer.finish("failed")
    writer.close()
    _, writer = resume(find_resumable(db, "latest", MODEL), db, 0)
    assert open_store(db).finding_rows("latest") == []
    writer.close()


@pytest.mark.parametrize("how", ["here", "elsewhere"])
def test_a_run_that_still_runs_is_not_resumed(how: str, db: str) -> None:
    host = socket.gethostname() if how == "here" else "elsewhere"
    run_id = recorded(db, 200, status="", host=host, pid=os.getpid() if how == "here" else GONE)
    with pytest.raises(CannotResume, match=r"is being recorded by process \d+ on .*Fix: "):
        find_resumable(db, "a-run", MODEL)
    if how == "elsewhere":
        edit_run(database_url(db), run_id, heartbeat=time.time() - 31)
        assert find_resumable(db, "a-run", MODEL).run_id == run_id


def test_one_of_two_trainings_resumes(db: str) -> None:
    recorded(db, 200)
    both = [find_resumable(db, "a-run", MODEL) for _ in range(2)]
    both[0].take_over(1, run_record())
    with pytest.raises(CannotResume, match="is being recorded"):
        both[1].take_over(1, run_record())
    assert len(open_store(db).run("a-run")["resumes"]) == 1


def test_a_training_that_was_taken_for_dead_records_no_further(db: str) -> None:
    writer = open_writer(db, host="elsewhere", model=MODEL)
    writer.write(steps(0, 150))
    edit_run(database_url(db), writer.run_id, heartbeat=time.time() - 60)
    _, resumed = resume(find_resumable(db, "a-run", MODEL), db, 1)
    with pytest.raises(RunGone, match="another training has resumed"):
        writer.write(steps(150, 200))
    writer.close()
    resumed.close()


def test_the_time_between_is_not_counted(db: str) -> None:
    recorded(db, 200, status="", pid=GONE, started=time.time() - 1_000)
    (before,) = open_store(db).run_rows()
    assert 999 < before["duration"] < 1_010
    url, run_id = database_url(db), before["id"]
    edit_run(url, run_id, heartbeat=time.time() - 940)
    found = find_resumable(db, "a-run", MODEL)
    step, run = found.take_over(1, run_record())
    header = found.header(db, run, [])
    assert (step, 59 < header.seconds < 61) == (100, True)
    (row,) = open_store(db).run_rows()
    assert 59 < row["duration"] < 70


def test_epoch_0_replaces_nothing_that_was_finished(db: str) -> None:
    recorded(db, 250)
    found = find_resumable(db, "a-run", MODEL)
    with pytest.raises(CannotResume, match=r"initial_epoch=0.*Fix: fit\(..., initial_epoch=2\)"):
        found.check_epoch(0)
    recorded(db, 50, name="begun")
    find_resumable(db, "begun", MODEL).check_epoch(0)


def test_what_is_not_there_or_of_another_model_is_not_resumed(db: str, path: Path) -> None:
    with pytest.raises(RunNotFound, match="a-run"):
        find_resumable(path / "no.db", "a-run", MODEL)
    recorded(db, 200)
    with pytest.raises(RunNotFound, match="another-run"):
        find_resumable(db, "another-run", MODEL)
    with pytest.raises(CannotResume, match=r"number of parameters is 25.*Received: .* is 26"):
        find_resumable(db, "a-run", MODEL | {"parameters": 26})
    assert find_resumable(db, "a-run", MODEL | {"parameters": None}).name == "a-run"


def test_a_pruned_run_is_not_resumed(db: str) -> None:
    recorded(db, 200)
    open_store(db).prune("a-run")
    with pytest.raises(CannotResume, match="summaries were kept"):
        find_resumable(db, "a-run", MODEL)


def left_in_the_spool(db: str, first: int, end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training whose last steps did not reach the database."""
    monkeypatch.setattr("lossmon.store.delivery.GRACE", 0.1)
    delivery = Delivery(RunHeader(db, run_record(model=MODEL), [OUTPUT]), lambda _: None)
    delivery.send(Records(steps(0, first)))

    def ill(*_: Any, **__: Any) -> None:
        raise OSError("away")

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "deliver", ill)
        patch.setattr(RunWriter, "continued", ill)
        delivery.send(Records(steps(first, end), [epoch(n) for n in range(end // EPOCH)]))
        delivery.finish(Ending("failed", time.time(), 1.0))


def test_what_waits_on_this_machine_is_delivered_before(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_in_the_spool(db, 150, 350, monkeypatch)
    store = open_store(db)
    run_id = store.resolve("a-run")
    store.archive([run_id])
    found = find_resumable(db, run_id[:8], MODEL)
    assert found.last_epoch == 2
    assert sync() == []
    assert found.take_over(3, run_record())[0] == 300
    assert store.run(run_id)["archived"] is None


def test_what_arrives_after_its_run_was_resumed_is_added_before_that_step_only(
    db: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left_in_the_spool(db, 150, 350, monkeypatch)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("LOSSMON_SPOOL", str(tmp_path / "of-another-machine"))
        edit_run(database_url(db), open_store(db).resolve("a-run"), status="failed")
        step, writer = resume(find_resumable(db, "a-run", MODEL), db, 2)
    assert step == 150
    writer.write(steps(200, 400))
    (waiting,) = sync()
    assert "is being recorded" in str(waiting.problem)
    writer.finish("finished")
    writer.close()
    url, run_id = database_url(db), writer.run_id
    edit_run(url, run_id, pruned=1.0)
    (waiting,) = sync()
    assert "summaries were kept instead" in str(waiting.problem)
    edit_run(url, run_id, pruned=None)
    (late,) = sync()
    assert (late.problem, late.superseded) == (None, 202)
    store = open_store(db)
    rows = [row["step"] for row in store.export_batches("a-run") if row["split"] == "train"]
    assert rows == [*range(150), *range(200, 400)]
    run = store.run("a-run")
    assert (run["status"], run["batches"]) == ("finished", 350)
    assert [row["epoch"] for row in run["epochs"]] == [0, 1]
    assert check_database(db) == []
