"""To and from what people already use: trackers, Keras' own logs, tables."""

from __future__ import annotations

from lossmon.exchange.incoming import ImportedRun, imported_runs, store_run
from lossmon.exchange.outgoing import write_csv, write_events, write_parquet

__all__ = [
    "ImportedRun",
    "imported_runs",
    "store_run",
    "write_csv",
    "write_events",
    "write_parquet",
]
