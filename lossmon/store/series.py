"""Curves of any length from a bounded number of rows, without losing a spike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, bindparam, select

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.buckets import FAN, LEVELS, MEASURES, POSITION, ROWS, Array, Block
from lossmon.store.prepared import Prepared
from lossmon.store.raw import read_blocks
from lossmon.store.schema import batches, runs
from lossmon.store.selection import (
    Series,
    after,
    before,
    bucket_ends,
    numbers_within,
    read_buckets,
)
from lossmon.store.thinning import bucket_points, one_of_each, thinned

BatchSeries = dict[str, Array]
Steps = tuple[int, int] | None

_LEAST_BUCKETS = 1024


class _Request(NamedTuple):
    series: Series
    measures: tuple[str, ...]
    steps: Steps
    most: int


def read_series(
    connection: Connection,
    run_id: str,
    columns: Sequence[str],
    *,
    split: Split,
    output: str | None = None,
    max_points: int = 2000,
    step_range: tuple[int, int] | None = None,
) -> BatchSeries:
    """Return columns of the batches in order, thinned out where they are more than `max_points`.

    A short span is read batch by batch. Of a long one the buckets are read that are the finest of
    which there are not too many, finer ones at both ends, and the batches beyond those: a number of
    rows that depends on `max_points` and not on the length of the run.

    Args:
        connection: to read by.
        run_id: the run.
        columns: numeric columns of `batches`.
        split: "train" or "val".
        output: the output; None for the model as a whole.
        max_points: the most rows to return.
        step_range: the first and last step wanted, both included; None for all.

    Returns:
        Arrays of one length: "step", "epoch" and "batch" (int64), and each of the columns as a
        masked float64 array: masked where the value is not known, NaN or infinite where it was. In
        a long span a batch that is an extreme of one column may be masked in the others.

    Raises:
        InvalidArgument: a column is not one of the numeric columns.
    """
    demand_numeric(columns)
    measures = tuple(name for name in columns if name not in POSITION) or ("time",)
    most = max(_LEAST_BUCKETS, max_points)
    request = _Request(Series(run_id, split, output), measures, step_range, most)
    points = thinned(one_of_each(list(_points(connection, request))), max_points)
    masked: BatchSeries = {
        name: np.ma.masked_array(values, mask=~known)
        for name, values, known in zip(measures, points.values, points.known, strict=True)
        if name in columns
    }
    return masked | dict(zip(POSITION, points.position, strict=True))


def demand_numeric(columns: Sequence[str]) -> None:
    """Raise where a name is not one of the numeric columns of `batches`.

    Raises:
        InvalidArgument: it says which.
    """
    numeric = [c.name for c in batches.columns if c.name in {*POSITION, *MEASURES}]
    unknown = [name for name in columns if name not in numeric]
    if unknown or not columns:
        raise InvalidArgument(
            f"expected names among {', '.join(numeric)}. Received: {', '.join(unknown) or 'none'}. "
            "Fix: name numeric columns of the table `batches`."
        )


def _points(connection: Connection, request: _Request) -> Iterator[Block]:
    yield Block(*(np.zeros((n, 0)) for n in (3, len(request.measures), len(request.measures))))
    first, end = numbers_within(connection, request.series, 0, request.steps)
    pruned = is_pruned(connection, request.series.run_id)
    if not pruned and (end - first) * ROWS <= FAN * request.most:
        yield from _raw(connection, request, None)
        return
    yield from _whole_buckets(connection, request, _finest(end - first, request.most))
    # Two queries: databases look places up for each, and read the whole run for one with OR.
    for outside in _outside(connection, request.series, first, end):
        yield from _raw(connection, request, outside)
    if pruned:
        yield from _cut_buckets(connection, request, first, end)


_PRUNED = Prepared(select(runs.c.pruned).where(runs.c.id == bindparam("of_run")))


def is_pruned(connection: Connection, run_id: str) -> bool:
    """Tell whether the batches of a run were reduced to summaries."""
    return any(pruned is not None for (pruned,) in _PRUNED.rows(connection, of_run=run_id))


def _finest(buckets: int, most: int) -> int:
    """The finest level at which a number of buckets of level 0 are at most so many."""
    return next((level for level in range(LEVELS) if buckets // FAN**level <= most), LEVELS - 1)


def _whole_buckets(connection: Connection, request: _Request, coarsest: int) -> Iterator[Block]:
    """The points of buckets that lie in the range: coarse ones, and finer ones at both ends."""
    series, measures = request.series, request.measures
    covered: tuple[int, int] | None = None
    for level in range(coarsest, -1, -1):
        first, end = numbers_within(connection, series, level, request.steps)
        inner = (end, end) if covered is None else (FAN * covered[0], FAN * covered[1])
        for numbers in ((first, inner[0]), (inner[1], end)):
            if numbers[0] < numbers[1]:
                yield bucket_points(read_buckets(connection, series, level, measures, numbers))
        covered = first, end


def _outside(
    connection: Connection, series: Series, first: int, end: int
) -> tuple[ColumnElement[bool] | None, ...]:
    """Conditions for the batches that are in no bucket of level 0 from `first` to `end`."""
    places = bucket_ends(connection, series, first, end)
    return (None,) if places is None else (before(places[0]), after(places[1]))


def _raw(
    connection: Connection, request: _Request, condition: ColumnElement[bool] | None
) -> Iterator[Block]:
    conditions = [] if condition is None else [condition]
    if request.steps is not None:
        conditions.append(batches.c.step.between(*request.steps))
    wanted = and_(*conditions) if conditions else None
    yield from read_blocks(connection, request.series, request.measures, wanted)


def _cut_buckets(
    connection: Connection, request: _Request, first: int, end: int
) -> Iterator[Block]:
    """The points in the range of the buckets at its ends, whose batches are no longer there."""
    if request.steps is None:
        return
    for number in {first - 1, end}:
        numbers = (number, number + 1)
        found = read_buckets(connection, request.series, 0, request.measures, numbers)
        points = bucket_points(found)
        step = points.position[0]
        yield points.part((step >= request.steps[0]) & (step <= request.steps[1]))
