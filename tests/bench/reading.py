"""How long a long run's curves take to read, and its rows to write."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from lossmon.records import BatchRecord
from lossmon.store import open_store
from tests.store.made import batch, open_writer

ROWS = 300_000
ROWS_A_WRITE = 500
ROWS_AN_EPOCH = 1_000
REPEATS = 5
COLUMNS = ("loss", "accuracy")


def report(console: Console) -> None:
    """Write a run, read its curves whole and in part, and print the times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.db"
        with console.status("writing"):
            seconds = _written(path)
        console.print(f"{ROWS:,} rows written in {seconds:.1f} s: {ROWS / seconds:,.0f} a second")
        console.print(f"database: {path.stat().st_size / 2**20:.0f} MiB")
        with closing(open_store(path)) as store:
            for what, steps in _views().items():
                taken, points = _timed(
                    lambda steps=steps: store.batch_series(
                        "latest", COLUMNS, split="train", step_range=steps
                    )
                )
                console.print(f"{what}: {taken * 1e3:.0f} ms, {points:,} points")


def _views() -> dict[str, tuple[int, int] | None]:
    middle = ROWS // 2
    return {
        "whole run": None,
        "a tenth of it": (middle, middle + ROWS // 10),
        "a thousandth of it": (middle, middle + ROWS // 1000),
    }


def _written(path: Path) -> float:
    """Write the run, and return how long the writer took."""
    seconds = 0.0
    writer = open_writer(path)
    for rows in _chunks():
        began = time.perf_counter()
        writer.write(rows)
        seconds += time.perf_counter() - began
    began = time.perf_counter()
    writer.finish("finished")
    writer.close()
    return seconds + time.perf_counter() - began


def _chunks() -> Iterator[list[BatchRecord]]:
    for first in range(0, ROWS, ROWS_A_WRITE):
        yield [_row(step) for step in range(first, min(ROWS, first + ROWS_A_WRITE))]


def _row(step: int) -> BatchRecord:
    """A verified batch of a classifier; its values differ from row to row as real ones do."""
    noise = math.sin(step * 12.9898) * 0.1
    loss = 2.3 * math.exp(-step / ROWS) + noise
    accuracy = 0.9 - 0.8 * math.exp(-step / ROWS) + noise
    epoch, index = divmod(step, ROWS_AN_EPOCH)
    return batch(
        step,
        epoch=epoch,
        batch=index,
        loss=loss,
        recomputed_loss=loss + 1e-8,
        penalty=0.0,
        reported_loss=loss,
        accuracy=accuracy,
        recomputed_accuracy=accuracy,
        reported_accuracy=accuracy,
        correct=accuracy * 32,
        judged=32.0,
        confidence=accuracy + noise / 2,
        loss_correct=loss / 2,
        loss_wrong=loss * 2,
        loss_squares=loss * loss * 32,
        learning_rate=0.001,
        seconds=0.0012 + noise * 1e-4,
        status="verified",
    )


def _timed(read: Callable[[], dict[str, Any]]) -> tuple[float, int]:
    """Median seconds, and how many points came."""
    seconds: list[float] = []
    points = 0
    for _ in range(REPEATS):
        began = time.perf_counter()
        points = len(read()["step"])
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), points
