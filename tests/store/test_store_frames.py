from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from lossmon.errors import MissingExtra
from lossmon.store import RunWriter, Store, frames, open_store
from tests.store.made import FINDING, batch, epoch


@pytest.fixture
def store(writer: RunWriter, db: str) -> Store:
    batches = [batch(0, loss=math.nan), batch(1, loss=math.inf), batch(1, split="val", loss=0.5)]
    writer.write(batches, [epoch(0, reported={"loss": 1.0})], [FINDING])
    return open_store(db)


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def found(name: str) -> object | None:
        return None if name in packages else sys.modules.get(name, object())

    monkeypatch.setattr(frames, "find_spec", found)


def test_pandas_frames(store: Store) -> None:
    frame = store.batches("latest")
    assert frame["loss"].dtype == np.float64
    assert frame["step"].dtype == np.int64
    assert frame["step"].tolist() == [0, 1, 1]
    assert math.isnan(frame["loss"][0])
    assert frame["loss"].tolist()[1:] == [math.inf, 0.5]
    assert frame["nonfinite_kinds"].tolist() == ['{"loss": "nan"}', '{"loss": "+inf"}', None]
    assert store.batches("latest", "val")["step"].tolist() == [1]
    assert store.epochs("latest", "train")["reported"].tolist() == [{"loss": 1.0}]
    assert store.findings("latest")["evidence"].tolist() == [FINDING.evidence]
    assert store.runs()["name"].tolist() == ["a-run"]


def test_an_empty_frame_has_its_columns_and_types(store: Store) -> None:
    frame = store.epochs("latest", "val")
    assert len(frame) == 0
    assert frame["loss"].dtype == np.float64
    assert frame["epoch"].dtype == np.int64


def test_polars_frames_where_pandas_is_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import polars as pl

    without(monkeypatch, "pandas")
    frame: Any = store.batches("latest")
    assert isinstance(frame, pl.DataFrame)
    assert frame.schema["loss"] == pl.Float64
    assert frame["step"].to_list() == [0, 1, 1]
    assert frame["loss"].is_nan().to_list() == [True, False, False]
    assert frame["recomputed_loss"].null_count() == 3
    assert store.epochs("latest")["reported"].to_list() == ['{"loss": 1.0}']
    assert store.runs()["tags"].to_list() == ["[]"]


def test_without_either_the_extra_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pandas", "polars")
    with pytest.raises(MissingExtra, match=r"pip install 'lossmon\[frames\]'"):
        store.runs()
