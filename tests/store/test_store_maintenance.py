from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, func, make_url, select, update

from lossmon.errors import InvalidArgument, StoreError
from lossmon.store import RunWriter, check_database, open_store, vacuum
from lossmon.store.engine import database_url, opened
from lossmon.store.schema import batches, runs, sample_sets, samples, summaries
from tests.store.made import FINDING, batch, epoch, open_writer, sample_record
from tests.store.postgres import PostgresServer


def record(writer: RunWriter, steps: int = 1000) -> None:
    odd = {333: 99.0, 444: math.nan, 555: -math.inf}
    rows = [batch(step, loss=odd.get(step, 0.5), accuracy=0.5) for step in range(steps)]
    rows += [batch(step, split="val", loss=0.25) for step in range(100)]
    writer.write(rows, [epoch(0, loss=0.5)], [FINDING])
    writer.finish("finished")


def test_what_was_recorded_is_sound(db: str, writer: RunWriter) -> None:
    record(writer)
    assert check_database(db) == []


def test_what_is_missing_is_told(db: str, writer: RunWriter) -> None:
    record(writer)
    with opened(database_url(db)) as engine, engine.begin() as connection:
        connection.execute(delete(batches).where(batches.c.step >= 900))
    missing, summarised = check_database(db)
    assert (
        missing == f"run {writer.run_id} (a-run): 1000 train batches were recorded, 900 are there"
    )
    assert summarised == f"run {writer.run_id}, train: 15 summaries of 64, of 900 batches"


def test_a_run_that_was_killed_is_sound(db: str, writer: RunWriter) -> None:
    for first in range(0, 800, 50):
        writer.write([batch(step, loss=0.5) for step in range(first, first + 50)])
    with opened(database_url(db)) as engine, engine.connect() as connection:
        made = connection.execute(select(func.count()).where(summaries.c.rows == 64)).scalar_one()
    assert 0 < made < 800 // 64
    assert check_database(db) == []


def test_a_damaged_document_is_told(path: Path) -> None:
    writer = open_writer(path, config={"rate": 0.1})
    writer.write([batch(0, loss=math.nan), batch(1)])
    writer.close()
    assert check_database(path) == []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE batches SET nonfinite_kinds = '{\"loss\"' WHERE step = 0")
        connection.execute("UPDATE runs SET config = 'rate'")
        connection.commit()
    told = {
        "1 row(s) of batches are damaged: nonfinite_kinds is no JSON",
        "1 row(s) of runs are damaged: config is no JSON",
    }
    assert set(check_database(path)) == told
    with pytest.raises(StoreError, match=r"as lossmon writes them.*Fix: `lossmon db check`"):
        open_store(path).run("latest")


def test_summaries_and_samples_that_cannot_be_unpacked_are_told(db: str) -> None:
    writer = open_writer(db)
    rows = [batch(step, loss=0.5) for step in range(200)]
    writer.write(rows, [epoch(0, loss=0.5)], samples=[sample_record(0), sample_record(1)])
    writer.finish("finished")
    writer.close()
    assert check_database(db) == []
    store = open_store(db)
    with opened(database_url(db)) as engine, engine.begin() as connection:
        connection.execute(update(summaries).where(summaries.c.bucket == 1).values(packed=b"\x78x"))
        connection.execute(update(samples).where(samples.c.epoch == 1).values(packed=b""))
        connection.execute(update(sample_sets).values(keys=sample_sets.c.labels))
    told = [f"1 row(s) of {name} are damaged" for name in ("summaries", "sample_sets", "samples")]
    for line, expected in zip(check_database(db), told, strict=True):
        assert line == f"run {writer.run_id}: {expected}: cannot be unpacked"
    damaged = r"as lossmon writes them.*cannot be unpacked.*Fix: `lossmon db check`"
    with pytest.raises(StoreError, match=damaged):
        store.samples("latest")
    with pytest.raises(StoreError, match=damaged):
        store.batch_spans("latest", ["loss"], split="train", most=2)


def test_a_damaged_file_is_told(path: Path, file_writer: RunWriter) -> None:
    record(file_writer)
    file_writer.close()
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'batches_in_order'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size + 100 : page * size] = b"x" * (size - 100)
    path.write_bytes(content)
    assert any("damaged" in line for line in check_database(path))


def test_a_pruned_run_keeps_its_course_and_extremes(db: str, writer: RunWriter) -> None:
    record(writer)
    store = open_store(db)
    before = store.revision()
    assert store.prune("latest") == 1000 // 64 * 64 + 64
    assert store.revision() != before
    assert [row["step"] for row in store.export_batches("latest")] == [
        *range(960, 1000),
        *range(64, 100),
    ]
    assert len(store.epoch_rows("latest")) == len(store.finding_rows("latest")) == 1
    series = store.batch_series("latest", ["loss", "accuracy"], split="train")
    loss = dict(zip(series["step"].tolist(), series["loss"].tolist(), strict=True))
    assert (loss[333], loss[555], len(loss)) == (99.0, -math.inf, len(series["step"]))
    assert math.isnan(loss[444])
    assert (min(loss), max(loss)) == (0, 999)
    assert check_database(db) == []


@pytest.mark.parametrize("steps", [(330, 340), (320, 400), (100, 600)])
def test_zooming_into_a_pruned_run_shows_what_is_left(
    db: str, writer: RunWriter, steps: tuple[int, int]
) -> None:
    record(writer)
    store = open_store(db)
    store.prune("latest", keep="summaries")
    series = store.batch_series("latest", ["loss"], split="train", step_range=steps)
    assert series["loss"][series["step"] == 333].tolist() == [99.0]
    assert steps[0] <= series["step"].min() <= series["step"].max() <= steps[1]


def test_pruning_twice_changes_nothing_more(db: str, writer: RunWriter) -> None:
    record(writer)
    store = open_store(db)
    store.prune("latest")
    assert store.prune("latest") == 0
    assert len(store.batch_series("latest", ["loss"], split="val")["step"]) > 0


def test_a_run_that_is_being_recorded_is_not_pruned(db: str, writer: RunWriter) -> None:
    writer.write([batch(0)])
    with pytest.raises(InvalidArgument, match="which is being recorded"):
        open_store(db).prune("latest")
    with pytest.raises(InvalidArgument, match="keep='summaries'"):
        open_store(db).prune("latest", keep="all")


def test_space_is_given_back(path: Path) -> None:
    writer = open_writer(path)
    record(writer, 20_000)
    writer.close()
    with_batches = path.stat().st_size
    store = open_store(path)
    store.prune("latest")
    store.close()
    vacuum(path)
    assert path.stat().st_size < with_batches / 3


def test_a_vacuum_loses_nothing(db: str, writer: RunWriter) -> None:
    record(writer)
    vacuum(db)
    assert len(list(open_store(db).export_batches("latest"))) == 1100


def test_only_what_has_ended_by_itself_counts_as_ended(db: str, writer: RunWriter) -> None:
    writer.write([batch(step) for step in range(64)])
    with opened(database_url(db)) as engine, engine.begin() as connection:
        connection.execute(update(runs).values(heartbeat=0.0))
    assert open_store(db).prune("latest") == 64


def test_a_role_that_owns_no_table_is_told_that_it_gives_no_space_back(
    postgres: PostgresServer,
) -> None:
    db = postgres.take()
    with closing(open_writer(db)) as writer:
        record(writer)
    guest = f"guest_{make_url(db).database}"
    postgres.execute(f"CREATE ROLE {guest}", f"GRANT pg_read_all_data TO {guest}")
    as_guest = make_url(db).update_query_dict({"options": f"-c role={guest}"})
    with pytest.raises(StoreError, match=r"permission denied.*Fix: .* as their owner"):
        vacuum(as_guest.render_as_string(hide_password=False))
    postgres.execute(f"DROP ROLE {guest}")
    postgres.give_back(db)
