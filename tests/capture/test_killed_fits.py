"""A real fit killed with SIGKILL at random moments, resumed each time, and accounted for."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import lossmon
from tests.capture import killing

pytestmark = pytest.mark.slow

KILLS = 10
AN_EPOCH = 100
NAME = "killed"
# As the docs say: compiled steps wait so long to be judged and stored together, at most.
SECONDS_THAT_MAY_BE_LOST = 0.5

TRAINING = """
import os, sys, time
import keras, numpy as np, lossmon

db, log, begin = sys.argv[1], os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT), int(sys.argv[3])

class Log(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        os.write(log, f"{self.epoch} {batch} {time.time():.6f}\\n".encode())

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(3200, 8)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
monitor = lossmon.Monitor(db, run="killed", resume=begin > 0)
model.fit(x, y, initial_epoch=begin, epochs=100_000, verbose=0, callbacks=[monitor, Log()])
"""


class Batch(NamedTuple):
    """What the training itself tells of a batch."""

    step: int
    moment: float


def told(log: Path) -> list[Batch]:
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [
        Batch(int(epoch) * AN_EPOCH + int(batch), float(moment))
        for epoch, batch, moment in map(str.split, lines)
    ]


def kill(db: Path, log: Path, begin: int, after: float) -> float:
    """Train from an epoch on, and kill it some seconds after its second epoch; returns when."""
    command = [sys.executable, "-c", TRAINING, str(db), str(log), str(begin)]
    return killing.kill(command, ready=lambda: len(told(log)) >= 2 * AN_EPOCH, after=after)


def test_a_fit_killed_again_and_again_is_one_run_without_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    chance, db, begin = random.Random(0), tmp_path / "runs.db", 0
    for number in range(KILLS):
        log = tmp_path / f"{number}.txt"
        died = kill(db, log, begin, chance.uniform(0.0, 1.5))
        store = lossmon.open_store(str(db))
        rows = list(store.export_batches(NAME))
        # From the first step on, each once: nothing is missing between, nothing is doubled.
        assert [row["step"] for row in rows] == list(range(len(rows)))
        assert [row["epoch"] * AN_EPOCH + row["batch"] for row in rows] == list(range(len(rows)))
        made = told(log)
        assert made[0].step == begin * AN_EPOCH
        lost = [died - batch.moment for batch in made if batch.step >= len(rows)]
        assert max(lost, default=0.0) <= SECONDS_THAT_MAY_BE_LOST
        (run,) = store.run_rows()
        assert (run["status"], run["batches"], len(run["resumes"])) == (
            "interrupted",
            len(rows),
            number,
        )
        begin = len(rows) // AN_EPOCH
