"""A training killed with SIGKILL: what came before the last moment can be read back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lossmon

TRAINING = """
import sys, time
import keras, numpy as np, lossmon

class Progress(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(f"{time.time():.6f}", flush=True)
        time.sleep(0.002)

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(6400, 8)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
monitor = lossmon.Monitor(sys.argv[1], verify="full")
model.fit(x, y, epochs=1000, verbose=0, callbacks=[monitor, Progress()])
"""


def test_sigkill_loses_at_most_the_last_fraction_of_a_second(tmp_path: Path) -> None:
    db, log = tmp_path / "runs.db", tmp_path / "steps.txt"
    with log.open("w") as stream:
        training = subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(db)], stdout=stream, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 120
            while log.read_text().count("\n") < 400 and time.monotonic() < deadline:
                assert training.poll() is None
                time.sleep(0.05)
        finally:
            training.send_signal(signal.SIGKILL)
            training.wait()
    died = time.time()
    made = [float(line) for line in log.read_text().splitlines() if line.count(".") == 1]
    assert len(made) >= 400
    store = lossmon.open_store(str(db))
    document = store.run_document("latest")
    assert document["status"] == "interrupted"
    batches = list(store.export_batches("latest"))
    assert [row["step"] for row in batches] == list(range(len(batches)))
    lost = [moment for moment in made[len(batches) :] if moment < died - 1.0]
    assert lost == []
    assert {row["status"] for row in batches} == {"verified"}
    assert os.environ.get("LOSSMON_DB") is None
