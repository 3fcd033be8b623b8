"""What a run left in its database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from lossmon import open_store
from tests.bench.names import MONITORED

# Where a value belongs and what is said of it, but no value that was measured.
COORDINATES = {"run_id", "step", "epoch", "batch", "split", "output", "time", "n"}
VERDICTS = {"status", "reason", "nonfinite_kinds"}


def database(contender: str, folder: Path) -> Path:
    """Where lossmon records as that contender."""
    return folder / f"{contender}.db"


def size(db: Path) -> int:
    """Bytes of a database that nobody has open, its write-ahead log worked in; 0 for none."""
    if not db.exists():
        return 0
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return db.stat().st_size


def stored_scalars(rows: Iterable[Mapping[str, Any]]) -> int:
    """Measured values in rows of `batches`: not NULL, and no coordinates."""
    apart = COORDINATES | VERDICTS
    return sum(
        value is not None for row in rows for name, value in row.items() if name not in apart
    )


def steady_coverage(epochs: Iterable[Mapping[str, Any]]) -> float:
    """Share of the samples after the first epoch that were recomputed."""
    steady = [row for row in epochs if row["epoch"] > 0]
    return sum(row["coverage"] * row["n"] for row in steady) / sum(row["n"] for row in steady)


def last_run(db: Path) -> tuple[int, float]:
    """The measured values that the last run of a database holds, and its steady coverage."""
    with closing(open_store(db)) as store:
        scalars = stored_scalars(store.export_batches("latest"))
        return scalars, steady_coverage(store.epoch_rows("latest", "train", None))


def troubles(contenders: Iterable[str], folder: Path) -> Iterator[str]:
    """Yield what lossmon says went wrong inside of it, in the last run of each contender."""
    for contender in filter(MONITORED.__contains__, contenders):
        with closing(open_store(database(contender, folder))) as store:
            for trouble in store.run("latest")["troubles"]:
                yield f"{contender}: {trouble['message']}"
