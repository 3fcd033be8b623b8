"""Batch rows as arrays, some thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, bindparam, select, true

from lossmon.store.buckets import POSITION, Block
from lossmon.store.nonfinite import restore_kinds
from lossmon.store.prepared import Prepared
from lossmon.store.reading import of_run
from lossmon.store.schema import batches
from lossmon.store.selection import Series, named, of_named

_ROWS_AT_ONCE = 20_000


def read_blocks(
    connection: Connection,
    series: Series,
    columns: Sequence[str],
    condition: ColumnElement[bool] | None = None,
) -> Iterator[Block]:
    """Yield the batches of a series in the order of training.

    Args:
        connection: to read by.
        series: the series.
        columns: numeric columns of `batches`, which become the values of the blocks.
        condition: only these batches; None for all.
    """
    names = (*POSITION, *columns, "nonfinite_kinds")
    wanted = of_run(batches, *series), true() if condition is None else condition
    query = select(*(batches.c[name] for name in names)).where(*wanted)
    ordered = query.order_by(*(batches.c[name] for name in POSITION))
    # Set on the query: on the connection it would stay, and no COPY goes by a server-side cursor.
    streamed = ordered.execution_options(yield_per=_ROWS_AT_ONCE)
    for rows in connection.execute(streamed).partitions():
        yield _block(rows, columns)


def read_steps(
    connection: Connection, series: Series, columns: Sequence[str], first: int, last: int
) -> list[Block]:
    """Return the batches of a series from one step to another: `read_blocks`, for who asks often.

    All of them at once: some thousands.

    Args:
        connection: to read by.
        series: the series.
        columns: numeric columns of `batches`, which become the values of the blocks.
        first: the first step.
        last: the last step.
    """
    rows = _between(tuple(columns)).rows(connection, **named(series), first=first, last=last)
    return [_block(rows, columns)] if rows else []


@lru_cache(maxsize=256)
def _between(columns: tuple[str, ...]) -> Prepared:
    within = batches.c.step.between(bindparam("first"), bindparam("last"))
    names = (*POSITION, *columns, "nonfinite_kinds")
    query = select(*(batches.c[name] for name in names)).where(of_named(batches), within)
    return Prepared(query.order_by(*(batches.c[name] for name in POSITION)))


def _block(rows: Sequence[Any], columns: Sequence[str]) -> Block:
    *numbers, kinds = zip(*rows, strict=True)
    position = np.array(numbers[: len(POSITION)], np.int64)
    values = np.array(numbers[len(POSITION) :], np.float64)
    known = ~np.isnan(values)
    places = {name: place for place, name in enumerate(columns)}
    for row, kind in enumerate(kinds):
        for name, value in restore_kinds(kind).items() if kind is not None else ():
            if name in places:
                values[places[name], row], known[places[name], row] = value, True
    return Block(position, values, known)
