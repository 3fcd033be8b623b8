"""Whole tables of a run, row by row: for data frames and for export."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Column, Connection, select

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.frames import FrameColumn, frame_columns
from lossmon.store.liveness import present_status
from lossmon.store.nonfinite import restore_kinds
from lossmon.store.reading import of_run, restored
from lossmon.store.schema import batches, epochs, findings, runs

_ROWS_AT_ONCE = 5000
_FIRST = (
    *("step", "epoch", "batch", "split", "output", "n", "weight", "loss", "recomputed_loss"),
    *("penalty", "accuracy", "recomputed_accuracy"),
)
_INTERNAL = ("run_id", "nonfinite_kinds")
EXPORTED = (*_FIRST, *(c.name for c in batches.columns if c.name not in (*_FIRST, *_INTERNAL)))
"""The columns of exported batches."""
EXPORTED_EPOCHS = tuple(c.name for c in epochs.columns if c.name not in _INTERNAL)
"""The columns of exported epochs."""

FrameTable = Literal["runs", "batches", "epochs", "findings"]
"""The tables that can be had as data frames."""
_FRAMES = {"runs": runs, "batches": batches, "epochs": epochs, "findings": findings}


class TableRows(NamedTuple):
    """Columns and, in their order, the values of each row."""

    columns: Sequence[Column[Any]]
    rows: Sequence[Sequence[Any]]


def read_columns(table: FrameTable) -> list[FrameColumn]:
    """Return what there is to know of the columns of a table.

    Raises:
        InvalidArgument: there is no such table.
    """
    if table not in _FRAMES:
        raise InvalidArgument(
            f"expected one of {', '.join(_FRAMES)}. Received: {table!r}. Fix: name one of these."
        )
    return frame_columns(list(_FRAMES[table].columns))


def read_run_table(connection: Connection) -> TableRows:
    """Return the table `runs`, the newest first, with the status as it is at present."""
    columns = list(runs.columns)
    now = time.time()
    query = select(runs).order_by(runs.c.started.desc(), runs.c.id)
    rows = [
        tuple({**row, "status": present_status(row, now)}.values())
        for row in connection.execute(query).mappings()
    ]
    return TableRows(columns, rows)


def read_finding_table(connection: Connection, run_id: str) -> TableRows:
    """Return the table `findings` of a run, by code."""
    query = select(findings).where(findings.c.run_id == run_id)
    rows = connection.execute(query.order_by(findings.c.code, findings.c.output)).all()
    return TableRows(list(findings.columns), [tuple(row) for row in rows])


def read_batch_table(connection: Connection, run_id: str, split: Split | None) -> TableRows:
    """Return the table `batches` of a run, by step."""
    order = (batches.c.step, batches.c.split, batches.c.batch, batches.c.output)
    query = select(batches).where(of_run(batches, run_id, split)).order_by(*order)
    columns = list(batches.columns)
    return TableRows(columns, _restored_rows(columns, connection.execute(query).all()))


def read_epoch_table(connection: Connection, run_id: str, split: Split | None) -> TableRows:
    """Return the table `epochs` of a run, by epoch."""
    order = (epochs.c.epoch, epochs.c.split, epochs.c.output)
    query = select(epochs).where(of_run(epochs, run_id, split)).order_by(*order)
    columns = list(epochs.columns)
    return TableRows(columns, _restored_rows(columns, connection.execute(query).all()))


def _restored_rows(
    columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]
) -> list[Sequence[Any]]:
    names = [column.name for column in columns]
    kinds_at = names.index("nonfinite_kinds")
    return [_restored(row, row[kinds_at], names) for row in rows]


def _restored(row: Sequence[Any], kinds: str | None, names: Sequence[str]) -> Sequence[Any]:
    if kinds is None:
        return row
    values = list(row)
    for name, value in restore_kinds(kinds).items():
        values[names.index(name)] = value
    return values


def export_rows(connection: Connection, run_id: str) -> Iterator[dict[str, Any]]:
    """Yield every batch of a run in the order of training, a train batch before the val batches.

    The columns come in a fixed order: what identifies the row, then the values, then the rest.
    """
    order = (batches.c.epoch, batches.c.split, batches.c.step, batches.c.batch, batches.c.output)
    columns = (batches.c[name] for name in (*EXPORTED, "nonfinite_kinds"))
    query = select(*columns).where(batches.c.run_id == run_id)
    streaming = connection.execution_options(yield_per=_ROWS_AT_ONCE)
    for row in streaming.execute(query.order_by(*order)).mappings():
        yield restored(row)
