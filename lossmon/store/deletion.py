"""Deleting many batches a part at a time, so that trainings can write in between."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, select, true

from lossmon.store.reading import of_run
from lossmon.store.schema import batches
from lossmon.store.selection import Series

STEPS_AT_ONCE = 50_000


def series_of(connection: Connection, run_id: str) -> list[Series]:
    """Return the series of a run that have batches."""
    known = select(batches.c.split, batches.c.output).where(batches.c.run_id == run_id)
    return [Series(run_id, *row) for row in connection.execute(known.distinct()).all()]


def delete_batches(
    engine: Engine, series: Series, condition: ColumnElement[bool] | None = None
) -> int:
    """Delete batches of a series, some thousand steps in each transaction.

    Args:
        engine: to write by.
        series: the series.
        condition: only these batches; None for all.

    Returns:
        How many rows were deleted.
    """
    told = and_(of_run(batches, *series), true() if condition is None else condition)
    deleted = 0
    while True:
        with engine.begin() as connection:
            first = connection.execute(select(func.min(batches.c.step)).where(told)).scalar()
            if first is None:
                return deleted
            near = batches.c.step.between(first, first + STEPS_AT_ONCE - 1)
            deleted += connection.execute(delete(batches).where(told, near)).rowcount
