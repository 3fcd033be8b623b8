"""The database: writing while a model trains, reading for everything else. No keras."""

from __future__ import annotations

from lossmon.store.checking import check_database
from lossmon.store.delivery import Delivery
from lossmon.store.engine import database_name, missing_part
from lossmon.store.frames import FrameColumn, FrameLibrary
from lossmon.store.maintenance import vacuum
from lossmon.store.names import demand_short, new_run_id, new_run_name
from lossmon.store.parcel import ENDED_WITH, WITHDRAWN, Ending, Records, RunHeader, Trouble
from lossmon.store.passwords import without_passwords
from lossmon.store.pulse import JointPulse, Pulse, Training
from lossmon.store.resume import Resumable, find_resumable
from lossmon.store.run_numbers import NUMBERS, no_numbers, unknown_numbers
from lossmon.store.run_pages import RunGroup, RunPage, Spread
from lossmon.store.run_query import (
    SETTING,
    ColumnFilter,
    Condition,
    Listed,
    Operator,
    RunQuery,
    as_text,
    groups_of,
    search_keys,
    unknown_keys,
    unknown_values,
)
from lossmon.store.spans import Spans
from lossmon.store.spreadsheet import csv_text
from lossmon.store.store import Store, open_store
from lossmon.store.sync import Synced, sync
from lossmon.store.tables import EXPORTED, EXPORTED_EPOCHS, FrameTable
from lossmon.store.upgrade import info, upgrade
from lossmon.store.writer import RunWriter

__all__ = [
    "ENDED_WITH",
    "EXPORTED",
    "EXPORTED_EPOCHS",
    "NUMBERS",
    "SETTING",
    "WITHDRAWN",
    "ColumnFilter",
    "Condition",
    "Delivery",
    "Ending",
    "FrameColumn",
    "FrameLibrary",
    "FrameTable",
    "JointPulse",
    "Listed",
    "Operator",
    "Pulse",
    "Records",
    "Resumable",
    "RunGroup",
    "RunHeader",
    "RunPage",
    "RunQuery",
    "RunWriter",
    "Spans",
    "Spread",
    "Store",
    "Synced",
    "Training",
    "Trouble",
    "as_text",
    "check_database",
    "csv_text",
    "database_name",
    "demand_short",
    "find_resumable",
    "groups_of",
    "info",
    "missing_part",
    "new_run_id",
    "new_run_name",
    "no_numbers",
    "open_store",
    "search_keys",
    "sync",
    "unknown_keys",
    "unknown_numbers",
    "unknown_values",
    "upgrade",
    "vacuum",
    "without_passwords",
]
