"""Parts of a series by place: which buckets and which batches lie where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, select, tuple_

from lossmon.records import Split
from lossmon.store.buckets import FAN, POSITION, ROWS, Buckets
from lossmon.store.columns import output_key
from lossmon.store.nonfinite import storable_text
from lossmon.store.packing import PLACES, unpack
from lossmon.store.prepared import Prepared
from lossmon.store.reading import of_run
from lossmon.store.schema import batches, summaries

Place = tuple[Any, ...]
"""Step, epoch and batch: the order of training."""


class Series(NamedTuple):
    """The batches of one run, split and output."""

    run_id: str
    split: Split
    output: str | None


def named(series: Series) -> dict[str, str]:
    """Return the values of the condition that `of_named` is."""
    of_output = storable_text(series.output or "")
    return {"of_run": series.run_id, "of_split": series.split, "of_output": of_output}


def of_named(table: Table) -> ColumnElement[bool]:
    """Return the condition for the rows of a series, for statements that are made often."""
    own = table.c.run_id == bindparam("of_run"), table.c.split == bindparam("of_split")
    return and_(*own, output_key(table) == bindparam("of_output"))


def of_series(series: Series) -> ColumnElement[bool]:
    """Return the condition for the summaries of a series."""
    return of_run(summaries, *series)


def after(place: Place) -> ColumnElement[bool]:
    """Return the condition for the batches after a place."""
    # The step is said by itself too: PostgreSQL may walk an index along the first bound it sees.
    return and_(batches.c.step >= place[0], _place() > tuple_(*place))


def before(place: Place) -> ColumnElement[bool]:
    """Return the condition for the batches before a place."""
    return and_(batches.c.step <= place[0], _place() < tuple_(*place))


def _place() -> Any:
    return tuple_(*(batches.c[name] for name in POSITION))


def bucket_ends(
    connection: Connection, series: Series, first: int, end: int, level: int = 0
) -> tuple[Place, Place] | None:
    """Return where the first and the last batch of some buckets are.

    Args:
        connection: to read by.
        series: the series.
        first: number of the first bucket.
        end: number after that of the last; None is returned where there is none between.
        level: 0 for the finest buckets.
    """
    if first >= end:
        return None
    begun, ended = (
        read_buckets(connection, series, level, (), (number, number + 1))
        for number in (first, end - 1)
    )
    return tuple(begun.first[0].tolist()), tuple(ended.last[0].tolist())


def last_place(connection: Connection, series: Series) -> Place:
    """Return where the last batch is that is in a bucket; before all where there is none."""
    ends = bucket_ends(connection, series, *numbers_within(connection, series, 0, None))
    return (-1, -1, -1) if ends is None else ends[1]


def read_buckets(
    connection: Connection,
    series: Series,
    level: int,
    measures: Sequence[str],
    numbers: tuple[int, int],
) -> Buckets:
    """Return buckets of one size by number, the second not included."""
    columns = (*PLACES, "measures", "packed")
    query = select(*(summaries.c[name] for name in columns)).where(
        of_series(series),
        summaries.c.rows == ROWS * FAN**level,
        summaries.c.bucket >= numbers[0],
        summaries.c.bucket < numbers[1],
    )
    return unpack(connection.execute(query.order_by(summaries.c.bucket)).all(), measures)


def numbers_within(
    connection: Connection, series: Series, level: int, steps: tuple[int, int] | None
) -> tuple[int, int]:
    """Return which buckets of one size lie in a range of steps, the second number not included.

    Args:
        connection: to read by.
        series: the series.
        level: 0 for the finest buckets.
        steps: the first and last step, both included; None for all.
    """
    own = {**named(series), "size": ROWS * FAN**level}
    if steps is None:
        whole = _LAST.rows(connection, **own)
        return (0, whole[0][0] + 1) if whole else (0, 0)
    first = _FIRST_FROM.rows(connection, **own, step=steps[0])
    last = _LAST_UPTO.rows(connection, **own, step=steps[1])
    if not first or not last:
        return (0, 0)
    ((begun, _),), ((bucket, last_step),) = first, last
    return (begun, max(bucket + (last_step <= steps[1]), begun))


_OF_SIZE = select(summaries.c.bucket, summaries.c.last_step).where(
    of_named(summaries), summaries.c.rows == bindparam("size")
)
_LAST = Prepared(_OF_SIZE.order_by(summaries.c.bucket.desc()).limit(1))
_FIRST_FROM = Prepared(
    _OF_SIZE.where(summaries.c.first_step >= bindparam("step"))
    .order_by(summaries.c.first_step, summaries.c.bucket)
    .limit(1)
)
_LAST_UPTO = Prepared(
    _OF_SIZE.where(summaries.c.first_step <= bindparam("step"))
    .order_by(summaries.c.first_step.desc(), summaries.c.bucket.desc())
    .limit(1)
)
