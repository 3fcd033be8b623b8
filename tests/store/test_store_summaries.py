"""Summaries tell the truth of the batches below them, however these came in."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from lossmon.records import BatchRecord
from lossmon.store import RunWriter, check_database, open_store, raw
from lossmon.store.buckets import FAN, MEASURE, MEASURES, ROWS
from lossmon.store.engine import database_url, opened
from lossmon.store.schema import summaries
from lossmon.store.selection import Series, read_buckets
from lossmon.store.thinning import bucket_points
from tests.store.conftest import NewDatabase
from tests.store.made import batch, open_writer

LONG = 70_000


def buckets_of(db: str, run_id: str, level: int, split: Any = "train") -> Any:
    with opened(database_url(db)) as engine, engine.connect() as connection:
        series = Series(run_id, split, None)
        return read_buckets(connection, series, level, MEASURES, (0, 1_000_000))


def loss_at(step: int) -> float | None:
    odd = {33_333: 1e6, 44_444: -1e6, 55_555: math.nan, 66_666: math.inf, 66_667: -math.inf}
    return odd.get(step, None if step % 5 == 4 else math.sin(step / 100))


@pytest.fixture(scope="module")
def long(new_database: NewDatabase) -> str:
    db = new_database()
    writer = open_writer(db, id="aaaa11110000")
    rows = [
        batch(step, epoch=step // 1000, batch=step % 1000, loss=loss_at(step), accuracy=0.5)
        for step in range(LONG)
    ]
    for start in range(0, LONG, 7_001):
        writer.write(rows[start : start + 7_001])
    writer.close()
    return db


@pytest.mark.parametrize("level", range(4))
def test_every_bucket_tells_what_its_batches_hold(long: str, level: int) -> None:
    size = ROWS * FAN**level
    found = buckets_of(long, "aaaa11110000", level)
    assert len(found) == LONG // size
    for number in range(len(found)):
        steps = range(number * size, (number + 1) * size)
        values = {step: v for step in steps if (v := loss_at(step)) is not None}
        finite = {step: v for step, v in values.items() if math.isfinite(v)}
        told = found.measures[number][MEASURES.index("loss")]
        assert told["count"] == len(finite)
        assert told["nonfinite"] == len(values) - len(finite)
        assert told["mean"] == pytest.approx(np.mean(list(finite.values())), rel=1e-12, abs=1e-12)
        assert told["minimum"]["value"] == min(finite.values())
        assert told["maximum"]["value"] == max(finite.values())
        assert finite[told["maximum"]["step"]] == max(finite.values())
        assert told["first"]["step"] == min(values)
        assert told["last"]["step"] == max(values)
        assert (told["last"]["epoch"], told["last"]["batch"]) == divmod(max(values), 1000)
        broken = sorted(values.keys() - finite.keys())
        assert not broken or told["broken"]["step"] == broken[0]


@pytest.mark.parametrize("steps", [None, (30_000, 68_000), (33_333, 69_999), (1, 55_555)])
def test_a_long_span_keeps_every_spike_and_kind(long: str, steps: Any) -> None:
    series = open_store(long).batch_series("latest", ["loss"], split="train", step_range=steps)
    loss = dict(zip(series["step"].tolist(), series["loss"].tolist(), strict=True))
    first, last = steps or (0, LONG - 1)
    assert len(loss) == len(series["step"]) <= 2000
    assert first <= min(loss) < first + 100
    assert last - 100 < max(loss) <= last
    for step in (33_333, 44_444, 55_555):
        assert step not in range(first, last + 1) or repr(loss[step]) == repr(loss_at(step))
    for step, value in loss.items():
        assert value is None or repr(value) == repr(loss_at(step))


def test_zooming_in_shows_both_infinities(long: str) -> None:
    near = (66_000, 67_000)
    series = open_store(long).batch_series("latest", ["loss"], split="train", step_range=near)
    assert {math.inf, -math.inf} <= set(series["loss"].tolist())


def test_the_number_of_rows_that_are_read_does_not_grow_with_the_run(
    long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    originals = {"series.bucket_points": bucket_points, "raw._block": raw._block}
    for name, original in originals.items():

        def counted(given: Any, *rest: Any, original: Callable[..., Any] = original) -> Any:
            read.append(len(given))
            return original(given, *rest)

        monkeypatch.setattr(f"lossmon.store.{name}", counted)
    open_store(long).batch_series("latest", ["loss"], split="train")
    assert 0 < sum(read) < 2000


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5), again=st.booleans())
def test_how_the_batches_are_cut_into_writes_changes_nothing(
    new_database: NewDatabase, sizes: list[int], again: bool
) -> None:
    db = new_database()
    rows = [
        batch(step, split=split, loss=float(step * 7919 % 1009), accuracy=0.5)
        for step in range(sum(sizes))
        for split in ("train", "val")
    ]
    whole, cut = (open_writer(db, id=run_id) for run_id in ("aaaa11110000", "bbbb11110000"))
    whole.write(rows)
    start = 0
    for size in sizes:
        part = rows[2 * start : 2 * (start + size)]
        cut.write(part)
        if again:
            cut.write(part)
        start += size
    for writer in (whole, cut):
        writer.finish("finished")
        writer.close()
    for split in ("train", "val"):
        for level in range(2):
            found = [
                buckets_of(db, run_id, level, split) for run_id in ("aaaa11110000", "bbbb11110000")
            ]
            assert found[0].measures.tobytes() == found[1].measures.tobytes()
            assert len(found[0]) == sum(sizes) // (ROWS * FAN**level)


def test_buckets_are_stored_by_eights_and_the_rest_at_the_end(writer: RunWriter, db: str) -> None:
    """One by one they would take longer than the batches themselves."""
    for start in range(0, 700, 70):
        writer.write([batch(step, loss=float(step)) for step in range(start, start + 70)])
    assert len(buckets_of(db, writer.run_id, 0)) == FAN
    series = open_store(db).batch_series("latest", ["loss"], split="train")
    assert series["loss"].tolist() == [float(step) for step in range(700)]
    writer.finish("finished")
    assert len(buckets_of(db, writer.run_id, 0)) == 700 // ROWS


def test_a_batch_that_is_delivered_twice_is_stored_once(writer: RunWriter, db: str) -> None:
    writer.write([batch(step, loss=1.0) for step in range(100)])
    writer.write([batch(step, loss=2.0) for step in range(90, 200)])
    writer.write([batch(200), batch(200)])
    writer.finish("finished")
    store = open_store(db)
    rows = list(store.export_batches("latest"))
    assert [row["step"] for row in rows] == list(range(201))
    assert [row["loss"] for row in rows[85:105]] == [1.0] * 15 + [2.0] * 5
    assert store.run_rows()[0]["batches"] == 201
    assert len(buckets_of(db, writer.run_id, 0)) == 201 // ROWS


def test_a_write_that_failed_leaves_no_trace_in_the_summaries(writer: RunWriter, db: str) -> None:
    rows: list[BatchRecord] = [batch(step, loss=float(step)) for step in range(130)]
    broken = batch(130, status=None)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        writer.write([*rows, broken])
    writer.write(rows[:70])
    writer.write(rows[70:])
    writer.finish("finished")
    found = buckets_of(db, writer.run_id, 0)
    assert found.measures["maximum"]["value"][:, MEASURES.index("loss")].tolist() == [63.0, 127.0]


def test_a_run_without_summaries_gets_them_when_it_goes_on(writer: RunWriter, db: str) -> None:
    writer.write([batch(step, loss=float(step)) for step in range(1000)])
    with opened(database_url(db)) as engine, engine.begin() as connection:
        connection.execute(delete(summaries).where(summaries.c.bucket > 3))
    writer._summariser = type(writer._summariser)(writer.run_id)
    writer.write([batch(step, loss=float(step)) for step in range(1000, 1100)])
    writer.finish("finished")
    for level in range(2):
        found = buckets_of(db, writer.run_id, level)
        assert len(found) == 1100 // (ROWS * FAN**level)
        assert found.measures["count"][:, MEASURES.index("loss")].tolist() == [
            ROWS * FAN**level
        ] * len(found)


def test_a_writer_that_only_ends_a_run_stores_what_the_one_before_left(
    writer: RunWriter, db: str
) -> None:
    """After the database was away another writer may be told of the end alone."""
    writer.write([batch(step, loss=float(step)) for step in range(700)])
    writer.write([batch(step, split="val", loss=1.0) for step in range(100)])
    writer._summariser = type(writer._summariser)(writer.run_id)
    writer.finish("finished")
    assert len(buckets_of(db, writer.run_id, 0)) == 700 // ROWS
    assert len(buckets_of(db, writer.run_id, 0, "val")) == 100 // ROWS
    assert check_database(db) == []


def test_columns_that_tell_of_places_can_be_asked_for(long: str) -> None:
    series = open_store(long).batch_series(
        "latest", ["step", "epoch"], split="train", max_points=200
    )
    assert series.keys() == {"step", "epoch", "batch"}
    assert series["step"][-1] == LONG - 1


def test_summaries_take_little_room_and_older_ones_are_read(writer: RunWriter, db: str) -> None:
    rows = [batch(step, loss=math.sin(step), accuracy=0.5, time=1e9 + step) for step in range(640)]
    writer.write(rows)
    writer.finish("finished")
    told = buckets_of(db, writer.run_id, 0)
    deflated = select(summaries.c.bucket, summaries.c.packed).where(summaries.c.rows == ROWS)
    with opened(database_url(db)) as engine, engine.begin() as connection:
        found = connection.execute(deflated).all()
        assert max(len(row.packed) for row in found) < MEASURE.itemsize * 5
        for row in found[::2]:
            older = update(summaries).values(packed=zlib.decompress(row.packed))
            same = summaries.c.bucket == row.bucket, summaries.c.rows == ROWS
            connection.execute(older.where(*same))
    again = buckets_of(db, writer.run_id, 0)
    assert again.measures.tobytes() == told.measures.tobytes()
