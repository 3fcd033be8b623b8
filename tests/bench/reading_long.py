"""How long a chart of a long run takes to read, and what its summaries cost the writer.

`python -m tests.bench.reading_long [BATCHES]` writes two runs by the real writer, one of 100,000
batches and one of BATCHES (by default ten million, which takes minutes and some 3 GB), and prints
  writer   rows/s of `RunWriter.write` and of raw `executemany` of the same rows in turn, median
  first    opening the store and reading loss and accuracy of the whole run, median of ten
  zoom     the same of 20,000 batches, at ten places, without opening
"""

from __future__ import annotations

import math
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from rich.console import Console

from lossmon.records import BatchRecord
from lossmon.store import RunWriter, open_store
from lossmon.store.rows import batch_rows
from tests.store.made import open_writer

SHORT = 100_000
ZOOM = 20_000
WRITE = 2_000
PAIRS = 15
COLUMNS = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy")


def records(start: int, count: int) -> list[BatchRecord]:
    """Batches of a classifier as the recorder makes them, a spike among each million."""
    return [_record(step) for step in range(start, start + count)]


def _record(step: int) -> BatchRecord:
    loss = 99.0 if step % 1_000_000 == 77_777 else 1.0 / (1 + step / 5_000) + math.sin(step) / 50
    accuracy = (20 + step % 12) / 32
    return BatchRecord(
        *(step, step // 10_000, step % 10_000, "train", None, 1.7e9 + step / 250, 32, 32.0),
        *(loss, loss + 1e-9, 0.01, loss + 0.01, accuracy, accuracy, accuracy, None),
        *(accuracy * 32, 32.0, 0.9, 0.1, 1.7, loss * loss, 0, 1e-3, 0.004, "verified", None),
    )


def record_run(path: Path, name: str, batches: int) -> RunWriter:
    """Record a run of so many batches."""
    writer = open_writer(path, name=name)
    for start in range(0, batches, WRITE):
        writer.write(records(start, min(WRITE, batches - start)))
    return writer


def compare_writers(folder: Path) -> tuple[float, float]:
    """Rows a second of the writer, and of raw `executemany` into a table with the same index."""
    writer = open_writer(folder / "writer.db")
    open_writer(folder / "raw.db", id="0" * 12).close()
    marks = ", ".join("?" * len(batch_rows.names))
    sql = f"INSERT INTO batches ({', '.join(batch_rows.names)}) VALUES ({marks})"
    own: list[float] = []
    raw: list[float] = []
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        for start in range(0, PAIRS * 10 * WRITE, 10 * WRITE):
            chunks = [records(at, WRITE) for at in range(start, start + 10 * WRITE, WRITE)]
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

            raw.append(10 * WRITE / seconds(insert))
            own.append(10 * WRITE / seconds(write))
    writer.close()
    return statistics.median(own), statistics.median(raw)


def seconds(action: Callable[[], object]) -> float:
    """Wall time of a call."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def first_views(path: Path, run: str) -> Iterator[float]:
    """Times of a first look at a run."""
    for _ in range(10):
        yield seconds(lambda: open_store(path).batch_series(run, COLUMNS, split="train"))


def zooms(path: Path, run: str, batches: int) -> Iterator[float]:
    """Times of looks at a part of a run."""
    store = open_store(path)
    for tenth in range(10):
        start = (batches - ZOOM) * tenth // 10 + 7
        steps = (start, start + ZOOM)
        yield seconds(
            lambda steps=steps: store.batch_series(run, COLUMNS, split="train", step_range=steps)
        )


def spikes_kept(path: Path, run: str) -> int:
    """How many of the spikes of a run are in its first view."""
    loss = open_store(path).batch_series(run, ["loss"], split="train")["loss"]
    return int((loss == 99.0).sum())


def main(batches: int = 10_000_000) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        own, raw = compare_writers(Path(folder))
        print(f"writer: {own:,.0f} rows/s, raw {raw:,.0f}: x{own / raw:.2f}")  # noqa: T201
        path = Path(folder) / "long.db"
        sizes = {"short": SHORT, "long": batches}
        took: dict[str, tuple[float, float]] = {}
        for run, size in sizes.items():
            record_run(path, run, size).close()
            views, looks = (
                statistics.median(times)
                for times in (first_views(path, run), zooms(path, run, size))
            )
            took[run] = views, looks
            print(  # noqa: T201
                f"{size:,} batches: first {views * 1e3:.0f} ms, zoom {looks * 1e3:.0f} ms, "
                f"{spikes_kept(path, run)} spikes shown; {path.stat().st_size / 1e6:,.0f} MB"
            )
        ratios = [long / short for long, short in zip(took["long"], took["short"], strict=True)]
        print(f"long over short: first x{ratios[0]:.2f}, zoom x{ratios[1]:.2f}")  # noqa: T201


def report(_: Console) -> None:
    """Do so with ten million batches."""
    main()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
