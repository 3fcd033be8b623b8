"""Validation samples one by one: packed, stored with their set, read again, pruned."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from lossmon.records import SampleRecord, SampleSet
from lossmon.store import (
    Ending,
    Records,
    RunHeader,
    RunWriter,
    check_database,
    find_resumable,
    info,
    open_store,
)
from lossmon.store.encoding import decode_records, encode_records
from lossmon.store.engine import database_url
from lossmon.store.sample_packing import pack, unpack
from lossmon.store.superseded import deliver_superseded
from tests.store.made import batch, epoch, open_writer, run_record, sample_record


def same(one: SampleRecord, two: SampleRecord) -> bool:
    """Whether two records hold the same values of the same types, sets included."""
    pairs = [(getattr(one, f.name), getattr(two, f.name)) for f in fields(SampleRecord)]
    sets = pairs.pop()
    if (sets[0] is None) != (sets[1] is None):
        return False
    if sets[0] is not None:
        pairs += [(getattr(sets[0], f.name), getattr(sets[1], f.name)) for f in fields(SampleSet)]
    return all(_alike(*pair) for pair in pairs)


def _alike(one: Any, two: Any) -> bool:
    if not isinstance(one, np.ndarray):
        return one == two
    nan = one.dtype.kind == "f"
    return one.dtype == two.dtype and np.array_equal(one, two, equal_nan=nan)


def repacked(record: SampleRecord) -> Any:
    return unpack(pack(record)._asdict(), record.samples)


def test_losses_keep_15_binary_places_and_what_is_not_finite() -> None:
    rng = np.random.default_rng(0)
    size = 10.0 ** rng.uniform(-30, 30, 5000)
    loss = (size * rng.choice([-1.0, 1.0], 5000)).astype(np.float32)
    odd = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, 3.4028235e38, 1e-45], np.float32)
    back = repacked(sample_record(0, 5007, loss=np.concatenate([loss, odd]))).loss
    assert back.dtype == np.float32
    assert (np.abs(back[:5000] - loss) <= 2.0**-16 * np.abs(loss)).all()
    assert np.isnan(back[5000:5002]).all()
    assert (back[5002], back[5003], back[5004]) == (np.inf, -np.inf, 0.0)
    assert np.isfinite(back[5005:]).all()


def test_confidences_are_within_half_a_step_and_right_is_right() -> None:
    rng = np.random.default_rng(1)
    sure = np.concatenate([rng.random(3000), [0.0, 1.0, 1.7, np.nan]]).astype(np.float32)
    record = sample_record(0, 3004, confidence=sure)
    back = repacked(record)
    assert record.correct is not None
    assert back.confidence is not None
    assert (np.abs(back.confidence[:3002] - sure[:3002]) <= 0.5 / 32_766 + 1e-7).all()
    assert back.confidence[3002] == 1.0
    assert math.isnan(back.confidence[3003])
    assert np.array_equal(back.correct, record.correct)


@pytest.mark.parametrize("largest", [0, 1, 255, 256, 65_535, 65_536, 2**31])
def test_predicted_classes_of_any_number_come_back(largest: int) -> None:
    classes = np.arange(60) * largest // 59
    assert np.array_equal(repacked(sample_record(0, predicted=classes)).predicted, classes)


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_a_sample_takes_at_most_six_bytes_even_of_pure_noise(classes: int) -> None:
    rng, n = np.random.default_rng(2), 10_000
    noise = sample_record(
        0,
        n,
        loss=rng.exponential(size=n).astype(np.float32),
        confidence=rng.random(n).astype(np.float32),
        predicted=rng.integers(0, classes, n),
    )
    assert len(pack(noise).packed) <= 6 * n


VARIANTS: list[dict[str, Any]] = [
    {},
    {"samples": None},
    {"predicted": None},
    {"predicted": None, "correct": None, "confidence": None},
    {"output": "head"},
    {"samples": SampleSet(np.arange(60, dtype=np.uint64), "positions")},
    {
        "samples": SampleSet(
            np.array([2**64 - 1, *range(59)], np.uint64),
            "inputs",
            np.arange(60) - 5,
            np.linspace(0, 2, 60, dtype=np.float32),
        )
    },
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_record_comes_back_from_database_and_spool(
    writer: RunWriter, db: str, variant: dict[str, Any]
) -> None:
    record = sample_record(3, **variant)
    writer.write(samples=[record])
    found = open_store(db).samples("latest", output=record.output)
    assert found is not None
    assert same(found, record)
    (spooled,) = decode_records(encode_records(Records(samples=[record]))).samples
    assert same(spooled, record)


def test_epochs_share_their_set_and_are_read_in_order(writer: RunWriter, db: str) -> None:
    first = sample_record(0)
    records = [first, *(sample_record(number, samples=first.samples) for number in (2, 1))]
    for record in records:
        writer.write(samples=[record])
    writer.write(samples=[sample_record(0, output="other", samples=first.samples)])
    store = open_store(db)
    assert store.sample_epochs("latest") == [0, 1, 2]
    found = store.sample_records("latest")
    assert [record.epoch for record in found] == [0, 1, 2]
    assert len({id(record.samples) for record in found}) == 1
    assert [record.epoch for record in store.sample_records("latest", [2, 0, 7])] == [0, 2]
    assert store.samples("latest").epoch == 2
    assert store.samples("latest", 7) is None
    assert store.samples("latest", output="none") is None
    assert store.sample_epochs("latest", output="other") == [0]


def test_a_record_that_arrives_twice_is_there_once(writer: RunWriter, db: str) -> None:
    writer.write(samples=[sample_record(0)])
    writer.write(samples=[sample_record(0, loss=np.ones(60, np.float32))])
    store = open_store(db)
    assert store.sample_epochs("latest") == [0]
    assert store.samples("latest").loss.tolist() == [1.0] * 60
    assert info(db)["sample_records"] == 1


def test_info_tells_what_samples_take(writer: RunWriter, db: str) -> None:
    assert (info(db)["sample_records"], info(db)["sample_bytes"]) == (0, 0)
    record = sample_record(0)
    writer.write(samples=[record])
    row: Any = pack(record)
    expected = len(row.packed) + len(row.sample_set.keys) + len(row.sample_set.labels)
    assert (info(db)["sample_records"], info(db)["sample_bytes"]) == (1, expected)


def test_samples_go_with_their_run(writer: RunWriter, db: str) -> None:
    writer.write(samples=[sample_record(0)])
    writer.finish("finished")
    store = open_store(db)
    store.archive(["latest"])
    assert store.sample_epochs(writer.run_id) == [0]
    store.delete([writer.run_id])
    assert (info(db)["sample_records"], info(db)["sample_bytes"]) == (0, 0)


def test_a_pruned_run_keeps_samples_of_its_last_and_best_epochs(writer: RunWriter, db: str) -> None:
    loss = [0.9, 0.5, 0.3, math.nan, 0.6, 0.7, 0.8]
    accuracy = [0.1, 0.5, 0.6, 0.6, 0.8, 0.7, 0.8]
    rows = [
        epoch(number, "val", recomputed_loss=loss[number], recomputed_accuracy=accuracy[number])
        for number in range(7)
    ]
    writer.write((), rows, samples=[sample_record(number) for number in range(7)])
    writer.finish("finished")
    store = open_store(db)
    store.prune("latest")
    assert store.sample_epochs("latest") == [2, 4, 6]
    assert check_database(db) == []


def test_what_a_resumed_training_replaces_is_gone(writer: RunWriter, db: str) -> None:
    steps = [batch(number, epoch=number) for number in range(4)]
    rows = [epoch(number, "val") for number in range(4)]
    writer.write(steps, rows, samples=[sample_record(number) for number in range(4)])
    writer.finish("finished")
    resumable = find_resumable(db, writer.run_id, {})
    resumable.take_over(2, run_record())
    assert open_store(db).sample_epochs("latest") == [0, 1]


def test_samples_that_arrive_after_the_run_was_resumed(writer: RunWriter, db: str) -> None:
    writer.write([batch(0)], [epoch(0, "val")], samples=[sample_record(0)])
    writer.finish("finished")
    header = RunHeader(db, writer._header.run)
    resumed = find_resumable(db, writer.run_id, {})
    _, run = resumed.take_over(2, run_record())
    went_on = RunWriter.continued(resumed.header(db, run, []))
    went_on.deliver(Records(ending=Ending("finished", 0.0, 1.0)))
    went_on.close()
    late = Records(samples=[sample_record(number) for number in (0, 1, 2)])
    deliver_superseded(database_url(db), header, late)
    assert open_store(db).sample_epochs("latest") == [0, 1]


def test_names_that_no_engine_stores_are_replaced(db: str) -> None:
    with_nul = "a\0b"
    writer = open_writer(db)
    writer.write(samples=[sample_record(0, output=with_nul)])
    writer.write(samples=[sample_record(0, output=with_nul)])
    writer.close()
    assert open_store(db).sample_epochs("latest", output=with_nul) == [0]
