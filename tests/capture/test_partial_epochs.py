"""Epochs of which a part was recomputed: their values are still those of the whole epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

import lossmon
from lossmon.capture.chunk import Chunk
from lossmon.capture.judge import RunJudge

Rows = list[dict[str, Any]]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """A fit whose last batches are easy, and alone recomputed."""

    def last_alone(_: RunJudge, chunk: Chunk) -> NDArray[np.int64]:
        return np.flatnonzero([place.batch == 2 for place in chunk.places])

    monkeypatch.setattr(RunJudge, "_choose", last_alone)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 40)
    x = rng.normal(size=(40, 2)).astype("float32")
    x[32:] = np.where(labels[32:, None] == 1, 9.0, -9.0)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.layers[0].set_weights([np.ones((2, 1)), np.zeros(1)])
    model.compile(keras.optimizers.SGD(1e-3), "binary_crossentropy", metrics=["accuracy"])
    path = tmp_path / "runs.db"
    given: dict[str, Any] = {"batch_size": 16, "epochs": 2, "verbose": 0, "shuffle": False}
    monitor = lossmon.Monitor(path, samples=False)
    model.fit(x, labels, validation_data=(x, labels), callbacks=[monitor], **given)
    store = lossmon.open_store(path)
    return [row for split in ("train", "val") for row in store.epoch_rows("latest", split)]


def test_a_part_is_verified(rows: Rows) -> None:
    assert len(rows) == 4
    assert {(row["status"], row["coverage"]) for row in rows} == {("verified", 0.2)}
    assert {row["judged"] for row in rows} == {8.0}


def test_what_was_recomputed_does_not_stand_for_the_rest(rows: Rows) -> None:
    for row in rows:
        assert row["loss"] > 0.1
        assert row["recomputed_loss"] == pytest.approx(row["loss"], rel=1e-6)
        assert row["accuracy"] < 0.9
        assert row["recomputed_accuracy"] == pytest.approx(row["accuracy"], abs=1e-9)
