from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lossmon.errors import InvalidArgument, RunNotFound, StoreError
from lossmon.store import RunWriter, open_store
from tests.store.made import FINDING, OUTPUT, batch, epoch, open_writer


def rows_left(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    tables = ("runs", "outputs", "batches", "epochs", "findings")
    counts = {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}
    connection.close()
    return counts


def test_a_deleted_run_leaves_nothing(writer: RunWriter, path: Path) -> None:
    writer.write([batch(0)], [epoch(0)], [FINDING], outputs=[OUTPUT])
    other = open_writer(path, name="other")
    other.write([batch(0)], [epoch(0)], [FINDING])
    other.close()
    store = open_store(path)
    assert store.delete([writer.run_id, "a-run"]) == 1
    assert rows_left(path) == dict.fromkeys(rows_left(path), 1)
    assert [row["name"] for row in store.run_rows()] == ["other"]


def test_deleting_one_that_is_not_there_deletes_none(writer: RunWriter, path: Path) -> None:
    with pytest.raises(RunNotFound):
        open_store(path).delete([writer.run_id, "nobody"])
    assert rows_left(path)["runs"] == 1


def test_name_notes_and_tags_can_be_changed(writer: RunWriter, path: Path) -> None:
    store = open_store(path)
    store.rename(writer.run_id, "<b>new</b>")
    store.set_notes("latest", "a note")
    store.set_tags("latest", ["x", "y"])
    (row,) = store.run_rows()
    assert (row["name"], row["notes"], row["tags"]) == ("<b>new</b>", "a note", ["x", "y"])
    store.set_notes("latest", None)
    assert store.run_rows()[0]["notes"] is None


def test_a_run_has_a_visible_name(writer: RunWriter, path: Path) -> None:
    with pytest.raises(InvalidArgument, match="expected a name"):
        open_store(path).rename(writer.run_id, " ")


def test_the_revision_tells_what_is_new(writer: RunWriter, path: Path) -> None:
    store = open_store(path)
    other = open_writer(path, name="other")
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
    writer: RunWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(path)
    before, before_run = store.revision(), store.revision(writer.run_id)
    monkeypatch.setattr("lossmon.store.liveness.HEARTBEAT_SECONDS", -1.0)
    assert store.revision() != before
    assert store.revision(writer.run_id) != before_run


def test_a_store_follows_a_file_that_is_replaced(path: Path, tmp_path: Path) -> None:
    open_writer(path, name="old").close()
    store = open_store(path)
    assert store.resolve("old")
    path.unlink()
    with pytest.raises(StoreError, match="no such file"):
        store.run_rows()
    open_writer(path, name="new").close()
    assert [row["name"] for row in store.run_rows()] == ["new"]
    open_writer(tmp_path / "other.db", name="other").close()
    (tmp_path / "other.db").replace(path)
    assert [row["name"] for row in store.run_rows()] == ["other"]


def test_a_store_that_was_closed_can_be_used_again(writer: RunWriter, path: Path) -> None:
    store = open_store(path)
    store.close()
    assert store.resolve("latest") == writer.run_id
    assert store.database == str(path)
