from __future__ import annotations

import math

import numpy as np
import pytest

from lossmon.errors import InvalidArgument
from lossmon.store import RunWriter, Store, open_store
from tests.store.conftest import NewDatabase
from tests.store.made import batch, open_writer

STEPS = 20_000
SPIKE, DIP, BROKEN, INFINITE = 7_777, 12_345, 15_001, 15_002


@pytest.fixture(scope="module")
def store(new_database: NewDatabase) -> Store:
    db = new_database()
    writer = open_writer(db)
    odd = {SPIKE: 99.0, DIP: -1.0, BROKEN: math.nan, INFINITE: math.inf}
    train = [
        batch(step, epoch=step // 1000, batch=step % 1000, loss=odd.get(step, 0.5), accuracy=1.0)
        for step in range(STEPS)
    ]
    val = [
        batch(1000 * e + 999, epoch=e, batch=b, split="val", loss=9.0 if (e, b) == (3, 456) else 1)
        for e in range(20)
        for b in range(500)
    ]
    head = [batch(step, output="head", loss=float(step)) for step in range(50)]
    writer.write([*train, *val, *head])
    writer.close()
    return open_store(db)


def test_a_short_series_is_whole(store: Store) -> None:
    series = store.batch_series("latest", ["loss", "n"], split="train", output="head")
    assert series["step"].tolist() == list(range(50))
    assert series["loss"].tolist() == [float(step) for step in range(50)]
    assert series["n"].tolist() == [32.0] * 50


@pytest.mark.parametrize("columns", [["loss"], ["accuracy", "loss", "recomputed_loss"]])
@pytest.mark.parametrize("max_points", [100, 2000])
def test_spikes_of_one_batch_survive(store: Store, columns: list[str], max_points: int) -> None:
    series = store.batch_series("latest", columns, split="train", max_points=max_points)
    loss = dict(zip(series["step"].tolist(), series["loss"].tolist(), strict=True))
    assert loss[SPIKE] == 99.0
    assert loss[DIP] == -1.0
    assert math.isnan(loss[BROKEN])
    assert np.ma.max(series["loss"][np.isfinite(series["loss"])]) == 99.0
    assert max_points / 5 < len(series["step"]) <= max_points
    assert (np.diff(series["step"]) > 0).all()


def test_a_nonfinite_value_is_not_hidden_by_that_of_another_column(
    writer: RunWriter, db: str
) -> None:
    odd = {500: {"penalty": math.nan}, 501: {"accuracy": math.inf}, 502: {"loss": -math.inf}}
    writer.write([batch(step, **odd.get(step, {"loss": 1.0})) for step in range(1000)])
    store = open_store(db)
    series = store.batch_series("latest", ["loss", "accuracy"], split="train", max_points=50)
    assert series["loss"][series["step"] == 502].tolist() == [-math.inf]
    assert series["accuracy"][series["step"] == 501].tolist() == [math.inf]


def test_a_reduced_series_spans_the_whole_run_evenly(store: Store) -> None:
    steps = store.batch_series("latest", ["loss"], split="train", max_points=300)["step"]
    assert (steps[0], steps[-1]) == (0, STEPS - 1)
    assert np.diff(steps).max() <= 2 * STEPS / 100


def test_zooming_in_brings_every_batch(store: Store) -> None:
    wanted = (BROKEN - 2, INFINITE + 2)
    series = store.batch_series("latest", ["loss"], split="train", step_range=wanted)
    assert series["step"].tolist() == list(range(BROKEN - 2, INFINITE + 3))
    assert np.array_equal(
        np.asarray(series["loss"]), [0.5, 0.5, math.nan, math.inf, 0.5, 0.5], equal_nan=True
    )
    assert series["epoch"].tolist() == [14] + [15] * 5


def test_val_batches_that_share_a_step_are_told_apart(store: Store) -> None:
    series = store.batch_series("latest", ["loss"], split="val", max_points=600)
    assert len(series["step"]) <= 600
    at = np.flatnonzero(series["loss"] == 9.0)
    assert [(series["epoch"][i], series["batch"][i]) for i in at] == [(3, 456)]
    assert set(series["epoch"].tolist()) == set(range(20))


def test_unknown_is_masked_and_nan_is_not(store: Store) -> None:
    near = (BROKEN, BROKEN)
    series = store.batch_series("latest", ["loss", "penalty"], split="train", step_range=near)
    assert not np.ma.getmaskarray(series["loss"]).any()
    assert math.isnan(series["loss"][0])
    assert np.ma.getmaskarray(series["penalty"]).all()


def test_nothing_is_an_empty_series(store: Store) -> None:
    series = store.batch_series("latest", ["loss"], split="val", output="nowhere")
    assert {name: values.shape for name, values in series.items()} == dict.fromkeys(series, (0,))


@pytest.mark.parametrize("columns", [[], ["status"], ["loss", "loss); DROP TABLE runs"]])
def test_only_numeric_columns_are_taken(store: Store, columns: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="expected names among step"):
        store.batch_series("latest", columns, split="train")


def test_steps_that_repeat_are_no_trouble(writer: RunWriter, db: str) -> None:
    # A model whose optimiser never steps, or steps every few batches only.
    writer.write([batch(0, epoch=e, batch=b, loss=e + b) for e in range(9) for b in range(100)])
    series = open_store(db).batch_series("latest", ["loss"], split="train", max_points=100)
    assert len(series["loss"]) <= 100
    assert series["loss"].min() == 0
    assert series["loss"].max() == 8 + 99
