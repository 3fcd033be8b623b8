"""Summaries made while a run is recorded: of whole buckets alone, so that none is rewritten.

They are made for eight buckets together, which costs little more than one: until then, and in a run
that was killed, charts read the batches themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import numpy as np
from sqlalchemy import Connection, func, select

from lossmon.records import Split
from lossmon.store.buckets import (
    COUNTS,
    EMPTY_BLOCK,
    EMPTY_BUCKETS,
    FAN,
    LEVELS,
    MEASURES,
    POSITION,
    ROWS,
    Block,
    Buckets,
    bucket_rows,
    join_blocks,
    join_buckets,
    merge_buckets,
)
from lossmon.store.bulk import insert_columns
from lossmon.store.packing import NAMES, summary_rows
from lossmon.store.raw import read_blocks
from lossmon.store.rows import Columns, batch_rows
from lossmon.store.schema import outputs, summaries
from lossmon.store.selection import Series, after, bucket_ends, of_series, read_buckets

_TOGETHER = FAN * ROWS


class _Open(NamedTuple):
    """What of a series is in no bucket yet.

    Attributes:
        rows: batches, fewer than `ROWS`.
        waiting: more batches, as they came; in all fewer than `_TOGETHER`.
        waits: how many these are.
        children: at each level buckets that are in no bucket of the next, fewer than `FAN`.
        closed: buckets stored at each level.
    """

    rows: Block = EMPTY_BLOCK
    waiting: tuple[Columns, ...] = ()
    waits: int = 0
    children: tuple[Buckets, ...] = (EMPTY_BUCKETS,) * LEVELS
    closed: tuple[int, ...] = (0,) * LEVELS

    def with_waiting(self, columns: Columns) -> _Open:
        """Return it with more batches."""
        waits = self.waits + len(columns.reals[0])
        return self._replace(waiting=(*self.waiting, columns), waits=waits)


class Summariser:
    """Adds summaries to those of a run, wherever these had got to.

    **State**: `add` changes nothing but the database; what it returns is the summariser to go on
    with when the transaction was committed.
    """

    def __init__(self, run_id: str, opened: Mapping[Series, _Open] | None = None) -> None:
        self._run_id = run_id
        self._open = dict(opened or {})

    def resumed(self, connection: Connection, columns: Columns) -> Summariser:
        """Return the one that knows what was stored before of the series of these batches."""
        series = {Series(self._run_id, *pair) for pair in _pairs(columns)}
        found = {one: _resume(connection, one) for one in series - self._open.keys()}
        return Summariser(self._run_id, self._open | found) if found else self

    def add(self, connection: Connection, columns: Columns) -> Summariser:
        """Store the buckets that new batches complete."""
        opened = dict(self._open)
        for series, part in _by_series(self._run_id, columns):
            state = opened[series].with_waiting(part)
            if len(state.rows) + state.waits >= _TOGETHER:
                state = _advance_waiting(connection, series, state)
            opened[series] = state
        return Summariser(self._run_id, opened)

    def end(self, connection: Connection) -> Summariser:
        """Store the buckets that wait to be stored with others, of an earlier writer as well."""
        opened = {
            series: _advance_waiting(connection, series, state)
            for series, state in self._open.items()
        }
        left = _possible_series(connection, self._run_id) - opened.keys()
        opened |= {series: _resume(connection, series) for series in left}
        return Summariser(self._run_id, opened)


def _possible_series(connection: Connection, run_id: str) -> set[Series]:
    """The series that a run may have: to look which it has would take all of its batches."""
    known = select(outputs.c.name).where(outputs.c.run_id == run_id)
    names = {None, *connection.execute(known).scalars()}
    return {Series(run_id, split, name) for split in get_args(Split) for name in names}


def summarise_series(connection: Connection, series: Series) -> None:
    """Store the summaries that are missing of a series, as recorded by an older lossmon."""
    _resume(connection, series)


def _resume(connection: Connection, series: Series) -> _Open:
    """What is open of a series in the database, after the buckets that it lacks were stored."""
    query = select(summaries.c.rows, func.max(summaries.c.bucket) + 1).where(of_series(series))
    counts = dict(tuple(row) for row in connection.execute(query.group_by(summaries.c.rows)))
    closed = tuple(counts.get(ROWS * FAN**level, 0) for level in range(LEVELS))
    children = tuple(
        read_buckets(connection, series, level, MEASURES, (FAN * above, closed[level]))
        if above * FAN < closed[level]
        else EMPTY_BUCKETS
        for level, above in enumerate((*closed[1:], closed[-1]))
    )
    state = _Open(children=children, closed=closed)
    ends = bucket_ends(connection, series, 0, closed[0])
    rest = None if ends is None else after(ends[1])
    for block in read_blocks(connection, series, MEASURES, rest):
        state = _advance(connection, series, state, block)
    return state


def _advance_waiting(connection: Connection, series: Series, state: _Open) -> _Open:
    if not state.waiting:
        return state
    block = join_blocks([_block(columns) for columns in state.waiting])
    return _advance(connection, series, state._replace(waiting=(), waits=0), block)


def _advance(connection: Connection, series: Series, state: _Open, block: Block) -> _Open:
    rows = join_blocks([state.rows, block])
    full = len(rows) // ROWS * ROWS
    if not full:
        return state._replace(rows=rows)
    fresh, stored = bucket_rows(rows.part(slice(full))), list[tuple[Any, ...]]()
    children, closed = list(state.children), list(state.closed)
    for level in range(LEVELS):
        stored += summary_rows(fresh, closed[level], *series, ROWS * FAN**level)
        closed[level] += len(fresh)
        waiting = join_buckets([children[level], fresh])
        full_up = len(waiting) // FAN * FAN if level + 1 < LEVELS else len(waiting)
        children[level] = waiting.part(slice(full_up, None))
        if not full_up or level + 1 == LEVELS:
            break
        fresh = merge_buckets(waiting.part(slice(full_up)))
    insert_columns(connection, summaries.name, NAMES, list(zip(*stored, strict=True)))
    return _Open(rows.part(slice(full, None)), children=tuple(children), closed=tuple(closed))


def _pairs(columns: Columns) -> set[tuple[Split, str | None]]:
    """The splits and outputs that occur."""
    return set(zip(*columns.others[:2], strict=True))


def _by_series(run_id: str, columns: Columns) -> Iterator[tuple[Series, Columns]]:
    pairs = _pairs(columns)
    if len(pairs) == 1:
        yield Series(run_id, *pairs.pop()), columns
        return
    places: dict[tuple[Split, str | None], list[int]] = {}
    for place, pair in enumerate(zip(*columns.others[:2], strict=True)):
        places.setdefault(pair, []).append(place)
    for pair, rows in places.items():
        yield Series(run_id, *pair), columns.part(rows)


def _block(columns: Columns) -> Block:
    integers = columns.others[-len(batch_rows.integers) :]
    named = dict(zip(batch_rows.integers, integers, strict=True))
    measures = [*columns.reals, *(named[name] for name in COUNTS)]
    values = np.array(measures, np.float64)
    known = np.ones(values.shape, np.bool_)
    for row in np.flatnonzero(np.isnan(values).any(axis=1)):
        known[row] = [value is not None for value in measures[row]]
    return Block(np.array([named[name] for name in POSITION], np.int64), values, known)
