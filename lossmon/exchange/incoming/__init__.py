"""Runs that something else recorded: read, marked unverified, and stored."""

from __future__ import annotations

from lossmon.exchange.incoming.run import ImportedRun
from lossmon.exchange.incoming.sources import KINDS, imported_runs
from lossmon.exchange.incoming.storing import store_run

__all__ = ["KINDS", "ImportedRun", "imported_runs", "store_run"]
