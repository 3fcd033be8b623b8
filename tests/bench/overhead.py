"""What the monitor costs a training: bare and monitored `fit` in turn, in one process.

Prints, for an MLP (steps of about a millisecond: the worst case) and a CNN:
  hooks    time per batch that the training thread spends in lossmon outside of the step, median
  wall     wall time of a monitored epoch over that of a bare one, median of pairs
  cpu      process CPU per batch, monitored minus bare, median of pairs
The first epoch of each `fit`, which traces the step, is left out and given apart.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

import lossmon
from lossmon.capture.tap import Tap

PAIRS = 5
EPOCHS = 4
BATCHES = 300


class Epochs(keras.callbacks.Callback):
    """Wall and CPU time of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.wall.append(time.perf_counter() - self._began[0])
        self.cpu.append(time.process_time() - self._began[1])


class Cost(NamedTuple):
    wall: float
    cpu: float
    first: float


def mlp() -> tuple[Any, np.ndarray, np.ndarray]:
    layers = [keras.layers.Dense(64, activation="relu") for _ in range(2)]
    head = keras.layers.Dense(10, activation="softmax")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32 * BATCHES, 32)).astype("float32")
    return keras.Sequential([keras.Input((32,)), *layers, head]), x, rng.integers(0, 10, len(x))


def cnn() -> tuple[Any, np.ndarray, np.ndarray]:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32 * 60, 28, 28, 1)).astype("float32")
    return model, x, rng.integers(0, 10, len(x))


def fit(build: Callable[[], Any], monitor: lossmon.Monitor | None) -> Cost:
    keras.utils.set_random_seed(0)
    model, x, y = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    epochs = Epochs()
    callbacks = [epochs, *([monitor] if monitor is not None else [])]
    model.fit(x, y, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    batches = (EPOCHS - 1) * -(-len(x) // 32)
    return Cost(sum(epochs.wall[1:]), sum(epochs.cpu[1:]) / batches, epochs.wall[0])


def measure(name: str, build: Callable[[], Any], db: str) -> None:
    hooks: list[float] = []
    run = Tap._run

    def timed(tap: Tap, function: Any, args: tuple[Any, ...]) -> Any:
        inside: list[float] = []

        def clocked(*given: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given)
            finally:
                inside.append(time.perf_counter() - began)

        began = time.perf_counter()
        try:
            return run(tap, clocked, args)
        finally:
            hooks.append(time.perf_counter() - began - inside[0])

    pairs: list[tuple[Cost, Cost]] = []
    setattr(Tap, "_run", timed)  # noqa: B010
    try:
        for _ in range(PAIRS):
            pairs.append((fit(build, None), fit(build, lossmon.Monitor(db, verify="full"))))
    finally:
        setattr(Tap, "_run", run)  # noqa: B010
    wall = statistics.median(after.wall / before.wall for before, after in pairs)
    cpu = statistics.median(after.cpu - before.cpu for before, after in pairs)
    bare = statistics.median(before.cpu for before, _ in pairs)
    first = statistics.median(after.first - before.first for before, after in pairs)
    print(  # noqa: T201
        f"{name}: hooks {statistics.median(hooks) * 1e6:.0f} us a batch; "
        f"wall x{wall:.2f}; cpu +{cpu * 1e6:.0f} us a batch (bare {bare * 1e6:.0f}); "
        f"first epoch +{first:.1f} s"
    )


def main() -> None:
    """Measure both models."""
    with tempfile.TemporaryDirectory() as folder:
        measure("MLP", mlp, f"{folder}/mlp.db")
        measure("CNN", cnn, f"{folder}/cnn.db")
