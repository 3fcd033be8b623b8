from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lossmon.errors import InvalidArgument, MissingExtra
from lossmon.store import FrameLibrary, FrameTable, RunWriter, Store, frames, open_store
from tests.store.made import FINDING, batch, epoch

TABLES: tuple[FrameTable, ...] = ("runs", "batches", "epochs", "findings")
UNITS = {
    "started": "Unix seconds",
    "duration": "seconds",
    "seconds": "wall time",
    "coverage": "0 to 1",
    "calibration_gap": "share",
}


@pytest.fixture
def store(writer: RunWriter, db: str) -> Store:
    batches = [batch(0, loss=math.nan), batch(1, loss=math.inf), batch(1, split="val", loss=0.5)]
    writer.write(batches, [epoch(0, reported={"loss": 1.0})], [FINDING])
    return open_store(db)


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def found(name: str) -> object | None:
        return None if name in packages else sys.modules.get(name, object())

    monkeypatch.setattr(frames, "find_spec", found)


def taken(store: Store, table: FrameTable, library: FrameLibrary, *, empty: bool) -> Any:
    if table == "runs":
        frame = store.runs(library=library)
        return frame[:0] if empty else frame
    if table == "findings":
        frame = store.findings("latest", library=library)
        return frame[:0] if empty else frame
    split = "val" if empty and table == "epochs" else None
    frame = getattr(store, table)("latest", split, library=library)
    return frame[:0] if empty and table == "batches" else frame


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_types_are_those_that_are_promised(store: Store, empty: bool) -> None:
    in_pandas = {"real": np.dtype("float64"), "text": np.dtype("O"), "document": np.dtype("O")}
    in_polars = {"real": pl.Float64, "integer": pl.Int64, "text": pl.String, "document": pl.String}
    for table in TABLES:
        columns = store.columns(table)
        frame = taken(store, table, "polars", empty=empty)
        assert (frame.height == 0) is empty
        assert dict(frame.schema) == {c.name: in_polars[c.kind] for c in columns}
        frame = taken(store, table, "pandas", empty=empty)
        assert (len(frame) == 0) is empty
        assert dict(frame.dtypes) == {
            c.name: (pd.Int64Dtype() if c.nullable else np.dtype("int64"))
            if c.kind == "integer"
            else in_pandas[c.kind]
            for c in columns
        }


def test_columns_say_what_they_mean_and_in_which_unit(store: Store) -> None:
    told = {c.name: c.meaning for table in TABLES for c in store.columns(table)}
    assert [name for name, meaning in told.items() if not meaning] == []
    assert {name: unit for name, unit in UNITS.items() if unit not in told[name]} == {}
    with pytest.raises(InvalidArgument, match="expected one of runs, batches"):
        store.columns("samples")  # pyright: ignore[reportArgumentType]


def test_pandas_frames(store: Store) -> None:
    frame: Any = store.batches("latest")
    assert isinstance(frame, pd.DataFrame)
    assert frame["step"].tolist() == [0, 1, 1]
    assert math.isnan(frame["loss"].tolist()[0])
    assert frame["loss"].tolist()[1:] == [math.inf, 0.5]
    assert frame["nonfinite_kinds"].tolist() == ['{"loss": "nan"}', '{"loss": "+inf"}', None]
    assert store.batches("latest", "val")["step"].tolist() == [1]
    assert store.epochs("latest", "train")["reported"].tolist() == [{"loss": 1.0}]
    assert store.findings("latest")["evidence"].tolist() == [FINDING.evidence]
    assert store.runs()["name"].tolist() == ["a-run"]
    assert store.runs()["epochs_planned"].isna().tolist() == [True]


def test_polars_frames_where_pandas_is_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pandas")
    frame: Any = store.batches("latest")
    assert isinstance(frame, pl.DataFrame)
    assert frame["step"].to_list() == [0, 1, 1]
    assert frame["loss"].is_nan().to_list() == [True, False, False]
    assert frame["recomputed_loss"].null_count() == 3
    assert store.epochs("latest")["reported"].to_list() == ['{"loss": 1.0}']
    assert store.epochs("latest")["margins"].to_list() == [None]
    assert store.runs()["tags"].to_list() == ["[]"]
    with pytest.raises(MissingExtra, match="pandas"):
        store.runs(library="pandas")


def test_without_either_what_brings_one_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "pandas", "polars")
    with pytest.raises(MissingExtra, match=r"pip install 'lossmon\[frames\]'"):
        store.runs()
    with pytest.raises(MissingExtra, match=r"pip install polars$"):
        store.runs(library="polars")
    with pytest.raises(InvalidArgument, match="'dask'"):
        store.runs(library="dask")  # pyright: ignore[reportArgumentType]
