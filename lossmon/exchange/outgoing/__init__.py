"""Runs as other programs read them."""

from __future__ import annotations

from lossmon.exchange.outgoing.events import write_events
from lossmon.exchange.outgoing.tables import write_csv, write_parquet

__all__ = ["write_csv", "write_events", "write_parquet"]
