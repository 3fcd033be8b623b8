from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select

from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.store import RunWriter, open_store
from lossmon.store.engine import database_url, describe, opened
from lossmon.store.schema import batches, epochs, findings, outputs, runs
from tests.store.made import FINDING, OUTPUT, batch, epoch, open_writer, sample_record


def rows_left(db: str) -> dict[str, int]:
    tables = (runs, outputs, batches, epochs, findings)
    with opened(database_url(db)) as engine, engine.connect() as connection:
        return {
            t.name: connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in tables
        }


def test_a_deleted_run_leaves_nothing(writer: RunWriter, db: str) -> None:
    writer.write([batch(0)], [epoch(0)], [FINDING], outputs=[OUTPUT])
    other = open_writer(db, name="other")
    other.write([batch(0)], [epoch(0)], [FINDING])
    other.close()
    store = open_store(db)
    assert store.delete([writer.run_id, "a-run"]) == 1
    assert rows_left(db) == dict.fromkeys(rows_left(db), 1)
    assert [row["name"] for row in store.run_rows()] == ["other"]


def test_deleting_one_that_is_not_there_deletes_none(writer: RunWriter, db: str) -> None:
    with pytest.raises(RunNotFound):
        open_store(db).delete([writer.run_id, "nobody"])
    assert rows_left(db)["runs"] == 1


def test_name_notes_and_tags_can_be_changed(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    store.rename(writer.run_id, "<b>new</b>")
    store.set_notes("latest", "a note")
    store.set_tags("latest", ["x", "y"])
    (row,) = store.run_rows()
    assert (row["name"], row["notes"], row["tags"]) == ("<b>new</b>", "a note", ["x", "y"])
    store.set_notes("latest", None)
    assert store.run_rows()[0]["notes"] is None


def test_a_run_has_a_visible_name(writer: RunWriter, db: str) -> None:
    with pytest.raises(InvalidArgument, match="expected a name"):
        open_store(db).rename(writer.run_id, " ")


def test_the_revision_tells_what_is_new(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    other = open_writer(db, name="other")
    before, before_run = store.revision(), store.revision(writer.run_id)
    writer.heartbeat()
    assert (store.revision(), store.revision(writer.run_id)) == (before, before_run)
    other.write([batch(0)])
    assert store.revision() != before
    assert store.revision(writer.run_id) == before_run
    seen = {store.revision()}
    writer.write((), [epoch(0)])
    assert store.revision(writer.run_id) != before_run
    for change in (
        lambda: writer.trouble("x"),
        lambda: writer.finish("finished"),
        lambda: store.rename("other", "another"),
        lambda: store.delete(["another"]),
    ):
        change()
        assert store.revision() not in seen
        seen.add(store.revision())
    other.close()


def test_a_pulse_tells_of_more_than_batches_alone(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    other = open_writer(db, name="other")
    known = [store.pulse(), store.pulse("other")]
    other.heartbeat()
    other.write([batch(0), batch(1, time=time.time())])
    now = [store.pulse(), store.pulse("other")]
    assert [pulse.token for pulse in now] == [pulse.token for pulse in known]
    assert [pulse.step for pulse in (*known, *now)] == [None, None, None, 1]
    seen = {known[0].token}
    for change in (
        lambda: other.write([batch(2)], [epoch(0)]),
        lambda: other.write([batch(3)], (), [FINDING]),
        lambda: other.write([batch(4)], withdrawn=[FINDING]),
        lambda: other.write([batch(5)], samples=[sample_record(0)]),
        lambda: other.write([batch(6)], outputs=[OUTPUT]),
        lambda: other.trouble("x"),
        lambda: other.finish("finished"),
        lambda: store.rename("other", "another"),
    ):
        own = store.pulse(other.run_id).token
        change()
        assert store.pulse(other.run_id).token != own
        assert store.pulse().token not in seen
        seen.add(store.pulse().token)
    assert store.pulse(writer.run_id).token == store.pulse("a-run").token
    assert store.pulse("another").run == other.run_id
    with pytest.raises(RunNotFound):
        store.pulse("other")
    store.delete(["another"])
    assert store.pulse().token not in seen
    with pytest.raises(RunNotFound):
        store.pulse("another")
    other.close()


def test_a_pulse_tells_what_lists_show_of_trainings(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    writer.write([batch(step, epoch=0) for step in range(100)])
    (whole,) = store.pulse(None, {writer.run_id: None, "f" * 12: None}).trainings
    assert whole.line is not None
    assert whole.line.values == store.run_rows()[0]["sparkline"]["loss"]
    writer.write([batch(step, epoch=0) for step in range(100, 140)])
    known = whole.line.stride, len(whole.line.values)
    (more,) = store.pulse(None, {writer.run_id: known}).trainings
    steps = range(0, 140, whole.line.stride)
    assert more.line is not None
    assert (more.line.start, len(more.line.values)) == (known[1], len(steps) - known[1])
    writer.write([batch(step, epoch=0) for step in range(140, 400)])
    (anew,) = store.pulse(None, {writer.run_id: known}).trainings
    assert anew.line is not None
    assert anew.line.start == 0
    assert anew.line.values == store.run_rows()[0]["sparkline"]["loss"]
    writer.write([batch(400, epoch=1)], [epoch(0), epoch(1)])
    assert store.pulse(None, {writer.run_id: known}).trainings[0].line is None
    assert (store.pulse().running, store.pulse(writer.run_id).running) == (1, 1)
    writer.finish("finished")
    assert store.pulse(None, {writer.run_id: known}).trainings == ()


def test_the_revision_tells_that_a_run_was_interrupted(
    writer: RunWriter, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(db)
    before, before_run = store.revision(), store.revision(writer.run_id)
    monkeypatch.setattr("lossmon.store.liveness.HEARTBEAT_SECONDS", -1.0)
    assert store.revision() != before
    assert store.revision(writer.run_id) != before_run


def test_a_store_that_was_closed_can_be_used_again(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    store.close()
    assert store.resolve("latest") == writer.run_id
    assert store.database == describe(database_url(db))


def test_a_joint_pulse_tells_of_each_run_what_its_own_does(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    ranks = [open_writer(db, name="job", job="a", rank=rank, world_size=2) for rank in (0, 1)]
    asked = [writer.run_id, ranks[0].run_id, "f" * 12]
    for run in (writer, *ranks):
        run.write([batch(0, time=time.time())], [epoch(0)])
    known = store.joint_pulse(asked)
    assert known.tokens == {run: store.pulse(run).token for run in asked[:2]}
    assert known.running == store.pulse().running
    # Neither batches are news, nor what is recorded elsewhere.
    other = open_writer(db, name="other")
    other.write((), [epoch(0)])
    writer.write([batch(1, time=time.time())])
    again = store.joint_pulse(asked, known.news)
    assert (again.token, again.news, again.alive) == (known.token, known.news, known.alive)
    assert not [run for run, row in again.changed.items() if row["news"] > known.news]
    # What a rank is told counts for its job.
    ranks[1].write((), [epoch(1)])
    told = store.joint_pulse(asked, known.news)
    assert told.token != known.token
    assert told.alive == known.alive
    assert told.tokens[asked[1]] != known.tokens[asked[1]]
    writer.finish("finished")
    ended = store.joint_pulse(asked, told.news)
    assert ended.alive != told.alive
    assert ended.changed[writer.run_id]["status"] == "finished"
    assert writer.run_id not in store.joint_pulse(asked, ended.news).changed
    for run in (*ranks, other):
        run.close()


def test_late_epochs_are_those_of_each_run_from_one_on(writer: RunWriter, db: str) -> None:
    other = open_writer(db, name="other")
    for run in (writer, other):
        run.write((), [epoch(number, loss=float("nan")) for number in range(5)])
    late = open_store(db).late_epochs({writer.run_id: 3, other.run_id: 4}, ["epoch", "loss"])
    assert [row["epoch"] for row in late[writer.run_id]] == [3, 4]
    assert [str(row["loss"]) for row in late[other.run_id]] == ["nan"]
    assert open_store(db).late_epochs({}, ["epoch"]) == {}
    other.close()
