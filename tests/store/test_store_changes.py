from __future__ import annotations

import pytest
from sqlalchemy import func, select

from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.store import RunWriter, open_store
from lossmon.store.engine import database_url, describe, opened
from lossmon.store.schema import batches, epochs, findings, outputs, runs
from tests.store.made import FINDING, OUTPUT, batch, epoch, open_writer


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
