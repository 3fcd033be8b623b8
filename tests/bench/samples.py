"""What validation samples cost: bytes in the database, and time on both threads."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from rich.console import Console

from tests.bench.hooks import timed_hooks

SAMPLES, EPOCHS, TURNS = 10_000, 5, 4
CLASSES = (2, 10, 100)


class Cost(NamedTuple):
    """Of one training.

    Attributes:
        hook: seconds in lossmon around a step, the median.
        passes: CPU seconds of the writer thread for the samples of a validation pass.
        stored: bytes of each epoch's samples, and once a run.
        seconds: of the whole `fit`.
    """

    hook: float
    passes: list[float]
    stored: tuple[int, int]
    seconds: float


def report(console: Console) -> None:
    """Print the cost for several numbers of classes."""
    for classes in CLASSES:
        turns: dict[bool, list[Cost]] = {True: [], False: []}
        _fit(classes, samples=True)  # the first one traces
        for turn in range(2 * TURNS):
            with_samples = turn % 2 == 0
            turns[with_samples].append(_fit(classes, samples=with_samples))
        recorded, without = turns[True], turns[False]
        hooks = [statistics.median(cost.hook for cost in of) * 1e6 for of in (recorded, without)]
        passes = [seconds * 1e3 for cost in recorded for seconds in cost.passes]
        each, once = recorded[0].stored
        console.print(
            f"{classes} classes, {SAMPLES:,} validation samples, {EPOCHS} epochs:\n"
            f"  {each / SAMPLES / EPOCHS:.2f} bytes a sample and epoch, and {once / SAMPLES:.2f} "
            "once a run\n"
            f"  training thread, a step: {hooks[0]:.1f} us with, {hooks[1]:.1f} us without\n"
            f"  writer thread, a pass: {statistics.median(passes):.0f} ms of CPU, "
            f"at most {max(passes):.0f} ms\n"
            f"  fit: {statistics.median(cost.seconds for cost in recorded):.2f} s with, "
            f"{statistics.median(cost.seconds for cost in without):.2f} s without"
        )


def _fit(classes: int, *, samples: bool) -> Cost:
    import keras

    import lossmon

    keras.utils.set_random_seed(0)
    x, y = _task(classes)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(classes, activation="softmax")]
    model = keras.Sequential([keras.Input((20,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as folder, timed_hooks() as hooks, _costed() as passes:
        db = Path(folder) / "runs.db"
        began = time.perf_counter()
        monitor = lossmon.Monitor(db, samples=samples)
        data: dict[str, Any] = {"validation_data": (x[SAMPLES:], y[SAMPLES:]), "verbose": 0}
        model.fit(x[:SAMPLES], y[:SAMPLES], epochs=EPOCHS, callbacks=[monitor], **data)
        seconds = time.perf_counter() - began
        return Cost(statistics.median(hooks), passes, _stored(db), seconds)


def _task(classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * SAMPLES, 20)).astype("float32")
    scores = x @ rng.normal(size=(20, classes)) + rng.normal(size=(2 * SAMPLES, classes))
    return x, scores.argmax(axis=1)


@contextmanager
def _costed() -> Generator[list[float]]:
    """Yield a list that gains the CPU seconds of each validation pass."""
    from lossmon.capture.samples import SampleGathering

    passes: list[float] = []
    close = SampleGathering.close

    def costed(gathering: SampleGathering, epochs: Any) -> Any:
        records = close(gathering, epochs)
        passes.append(gathering._cost)
        return records

    with mock.patch.object(SampleGathering, "close", costed):
        yield passes


def _stored(db: Path) -> tuple[int, int]:
    """Bytes of the records, and of what is there once."""
    from lossmon.store import info, open_store
    from lossmon.store.sample_packing import pack

    with closing(open_store(db)) as store:
        records = store.sample_records("latest")
    each = sum(len(pack(record).packed) for record in records)
    return each, info(db)["sample_bytes"] - each
