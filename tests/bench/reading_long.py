"""How fast a run is written, and how long a chart of a long one takes to read, without a server.

writer   rows/s of `RunWriter.write` and of raw `executemany` of the same rows in turn, median
first    opening the store and reading loss and accuracy of the whole run, median of ten
zoom     the same of 20,000 batches, at ten places, without opening
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from rich.console import Console

from lossmon.records import BatchRecord
from lossmon.store import open_store
from lossmon.store.rows import batch_rows
from tests.bench.recorded import SIZES, SPIKE, WRITE, ZOOM, long_runs, records, spikes
from tests.store.made import open_writer

PAIRS = 15
COLUMNS = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy")
_PART = 10 * WRITE


def report(console: Console, folder: Path) -> None:
    """Measure, and print."""
    own, raw = _writers(folder)
    console.print(f"writer: {own:,.0f} rows/s, raw {raw:,.0f}: x{own / raw:.2f}")
    path = long_runs(folder)
    took = [_read(console, path, size) for size in SIZES]
    ratios = [long / short for short, long in zip(*took, strict=True)]
    console.print(f"long over short: first x{ratios[0]:.2f}, zoom x{ratios[1]:.2f}")


def _writers(folder: Path) -> tuple[float, float]:
    """Rows a second of the writer, and of raw `executemany` into a table with the same index."""
    for name in ("writer.db", "raw.db"):
        (folder / name).unlink(missing_ok=True)
    writer = open_writer(folder / "writer.db")
    open_writer(folder / "raw.db", id="0" * 12).close()
    marks = ", ".join("?" * len(batch_rows.names))
    sql = f"INSERT INTO batches ({', '.join(batch_rows.names)}) VALUES ({marks})"
    own: list[float] = []
    raw: list[float] = []
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        for start in range(0, PAIRS * _PART, _PART):
            chunks = [records(at, WRITE) for at in range(start, start + _PART, WRITE)]
            rows = [
                list(zip(*batch_rows.stored("0" * 12, batch_rows.columns(chunk)), strict=True))
                for chunk in chunks
            ]

            def insert(rows: list[list[tuple[object, ...]]] = rows) -> None:
                for part in rows:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany(sql, part)
                    connection.execute("COMMIT")

            def write(chunks: list[list[BatchRecord]] = chunks) -> None:
                for chunk in chunks:
                    writer.write(chunk)

            raw.append(_PART / _seconds(insert))
            own.append(_PART / _seconds(write))
    writer.close()
    return statistics.median(own), statistics.median(raw)


def _read(console: Console, path: Path, size: int) -> tuple[float, float]:
    run = f"n{size}"
    first, zoom = (
        statistics.median(times) * 1e3
        for times in (_first_views(path, run), _zooms(path, run, size))
    )
    console.print(
        f"{size:,} batches: first {first:.0f} ms, zoom {zoom:.0f} ms, "
        f"{_spikes_kept(path, run)} of {spikes(size)} spikes shown"
    )
    return first, zoom


def _first_views(path: Path, run: str) -> Iterator[float]:
    for _ in range(10):
        yield _seconds(lambda: open_store(path).batch_series(run, COLUMNS, split="train"))


def _zooms(path: Path, run: str, batches: int) -> Iterator[float]:
    store = open_store(path)
    for tenth in range(10):
        start = (batches - ZOOM) * tenth // 10 + 7
        steps = (start, start + ZOOM)
        yield _seconds(
            lambda steps=steps: store.batch_series(run, COLUMNS, split="train", step_range=steps)
        )


def _spikes_kept(path: Path, run: str) -> int:
    loss = open_store(path).batch_series(run, ["loss"], split="train")["loss"]
    return int((loss == SPIKE).sum())


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
