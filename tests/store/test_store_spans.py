from __future__ import annotations

import math

import numpy as np
import pytest

from lossmon.errors import InvalidArgument
from lossmon.store import RunWriter, Spans, Store, open_store
from tests.store.conftest import NewDatabase
from tests.store.made import batch, open_writer

STEPS = 20_037
SPIKE, BROKEN, LATE = 7_777, 15_001, STEPS - 3


def value(step: int) -> float:
    odd = {SPIKE: 99.0, BROKEN: math.nan, LATE: -7.0}
    return odd.get(step, math.sin(step / 900))


@pytest.fixture(scope="module")
def store(new_database: NewDatabase) -> Store:
    db = new_database()
    writer = open_writer(db)
    writer.write([batch(step, epoch=step // 1000, loss=value(step)) for step in range(STEPS)])
    writer.close()
    return open_store(db)


@pytest.mark.parametrize(
    ("most", "steps"),
    [(100, None), (1500, None), (3000, None), (50, (3_000, 16_000)), (900, (15_000, STEPS))],
)
def test_spans_tell_of_every_batch_once(
    store: Store, most: int, steps: tuple[int, int] | None
) -> None:
    spans = store.batch_spans("latest", ["loss"], split="train", most=most, step_range=steps)
    loss = spans["loss"]
    first, last = steps or (0, STEPS)
    truth = np.array([value(step) for step in range(first, min(last + 1, STEPS))])
    finite = np.isfinite(truth)
    assert (loss.first_step[0], loss.last_step[-1]) == (first, first + len(truth) - 1)
    assert (loss.first_step[1:] == loss.last_step[:-1] + 1).all()
    assert (loss.count.sum(), loss.broken.sum()) == (finite.sum(), (~finite).sum())
    assert np.dot(loss.mean, loss.count) == pytest.approx(truth[finite].sum())
    assert (loss.low.min(), loss.high.max()) == (truth[finite].min(), truth[finite].max())
    for at, low, high in zip(loss.first_step, loss.low, loss.high, strict=True):
        assert low <= loss.mean[loss.first_step == at] <= high
    if first <= BROKEN <= last:
        (place,) = np.flatnonzero(loss.broken)
        assert loss.odd_step[place] == BROKEN
        assert math.isnan(loss.odd[place])
    assert len(loss.mean) <= most + 8 * 14


def test_a_short_range_is_told_batch_by_batch(store: Store) -> None:
    near = (SPIKE - 20, SPIKE + 20)
    loss = store.batch_spans("latest", ["loss"], split="train", step_range=near)["loss"]
    assert loss.single
    assert loss.first_step.tolist() == list(range(near[0], near[1] + 1))
    assert loss.mean.tolist() == loss.low.tolist() == [value(int(s)) for s in loss.first_step]
    whole = store.batch_spans("latest", ["loss"], split="train", most=300)["loss"]
    assert not whole.single


@pytest.mark.parametrize(
    ("batches", "size"), [(100, 1), (101, 2), (200, 2), (201, 4), (390, 4), (401, 8), (790, 8)]
)
def test_spans_grow_each_time_that_there_are_twice_as_many(
    store: Store, batches: int, size: int
) -> None:
    steps = (0, batches - 1)
    spans = store.batch_spans("latest", ["loss"], split="train", most=100, step_range=steps)
    loss = spans["loss"]
    assert loss.size == size
    assert len(loss.mean) == -(-batches // size)


def test_what_is_not_known_has_no_span(writer: RunWriter, db: str) -> None:
    writer.write([batch(step, loss=None if step % 2 else 1.0) for step in range(10)])
    store = open_store(db)
    spans = store.batch_spans("latest", ["loss", "penalty"], split="train")
    assert spans["loss"].first_step.tolist() == [0, 2, 4, 6, 8]
    assert spans["penalty"].mean.tolist() == []
    assert store.batch_spans("latest", ["loss"], split="val")["loss"].single
    with pytest.raises(InvalidArgument, match="expected names among step"):
        store.batch_spans("latest", ["status"], split="train")


def test_a_pruned_run_keeps_its_spans(writer: RunWriter, db: str) -> None:
    writer.write([batch(step, loss=value(step)) for step in range(6400)])
    writer.finish("finished")
    writer.close()
    store = open_store(db)
    store.prune("latest")
    loss = store.batch_spans("latest", ["loss"], split="train")["loss"]
    assert (loss.count.sum(), loss.last_step[-1]) == (6400, 6399)
    part = store.batch_spans("latest", ["loss"], split="train", step_range=(1000, 2000))["loss"]
    assert part.first_step[0] <= 1000
    assert part.last_step[-1] >= 2000
    assert (part.first_step[1:] == part.last_step[:-1] + 1).all()


@pytest.mark.parametrize("steps", [None, (700, 9_000)])
def test_what_is_new_completes_what_is_settled(
    writer: RunWriter, db: str, steps: tuple[int, int] | None
) -> None:
    store, known = open_store(db), None
    appended, names = 0, ["loss", "accuracy"]
    for start in range(0, 12_000, 797):
        writer.write(
            [
                batch(step, loss=value(step), accuracy=None if step % 3 else 0.5)
                for step in range(start, start + 797)
            ]
        )
        whole = store.batch_spans("latest", names, split="train", most=60, step_range=steps)
        settled = 0 if known is None else known["loss"].settled
        new = store.batch_spans(
            "latest", names, split="train", most=60, step_range=steps, since=settled
        )
        if known is not None and new["loss"].size == known["loss"].size:
            appended += 1
            for name in names:
                _compare(whole[name], _joined(known[name], new[name]))
                assert len(new[name].mean) <= 797 // new[name].size + 30
        known = whole
    assert appended > 5


def _joined(known: Spans, new: Spans) -> dict[str, list[float]]:
    kept = known.first_step < known.settled
    return {
        key: [*getattr(known, key)[kept].tolist(), *getattr(new, key).tolist()] for key in _ARRAYS
    }


def _compare(whole: Spans, joined: dict[str, list[float]]) -> None:
    for key in _ARRAYS:
        np.testing.assert_array_equal(getattr(whole, key), joined[key])


_ARRAYS = ("first_step", "last_step", "count", "mean", "low", "high", "broken", "odd", "odd_step")
