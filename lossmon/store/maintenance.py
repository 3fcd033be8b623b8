"""Keeping a database sound and small: checking it, giving space back, pruning old runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from sqlalchemy import URL, Connection, and_, delete, func, not_, select, text
from sqlalchemy.exc import DatabaseError

from lossmon.errors import InvalidArgument
from lossmon.store.buckets import ROWS
from lossmon.store.columns import output_key
from lossmon.store.edits import writing
from lossmon.store.engine import database_url, demand_database, is_damage, is_sqlite, opened
from lossmon.store.liveness import present_status
from lossmon.store.reading import of_run
from lossmon.store.schema import batches, runs, summaries
from lossmon.store.selection import Series, after, bucket_ends, numbers_within
from lossmon.store.statements import change_run
from lossmon.store.summariser import summarise_series


def check_database(db: str | os.PathLike[str] | None = None) -> list[str]:
    """Return what is wrong with a database, in sentences: none where it is sound.

    The engine's own check of the file (SQLite) comes first; then whether each run has as many train
    batches as its row says, and no more summaries than its batches make.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.

    Raises:
        StoreError: there is none, or it cannot be read at all.
    """
    url = database_url(db)
    demand_database(url)
    with opened(url, read_only=True) as engine, engine.connect() as connection:
        damage = list(_damage(connection))
        # Tables of a damaged file are not counted: that would end in the driver's error.
        return damage or [*_miscounted(connection), *_oversummarised(connection)]


def _damage(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    try:
        for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
            if line != "ok":
                yield f"the file is damaged: {line}"
        for table in connection.exec_driver_sql("PRAGMA foreign_key_check").scalars():
            yield f"a row of {table} belongs to no run"
    except DatabaseError as error:
        if not is_damage(error):
            raise
        yield f"the file is damaged: {error.orig}"


def _miscounted(connection: Connection) -> Iterator[str]:
    train = and_(batches.c.split == "train", output_key(batches) == "")
    counted = select(func.count()).where(batches.c.run_id == runs.c.id, train).scalar_subquery()
    query = select(runs.c.id, runs.c.name, runs.c.batches, counted).where(runs.c.pruned.is_(None))
    for run_id, name, said, found in connection.execute(query):
        if said != found:
            yield f"run {run_id} ({name}): {said} train batches were recorded, {found} are there"


def _oversummarised(connection: Connection) -> Iterator[str]:
    finest = (
        select(summaries.c.run_id, summaries.c.split, summaries.c.output, func.count())
        .join(runs, and_(runs.c.id == summaries.c.run_id, runs.c.pruned.is_(None)))
        .where(summaries.c.rows == ROWS)
        .group_by(summaries.c.run_id, summaries.c.split, summaries.c.output)
    )
    for run_id, split, output, buckets in connection.execute(finest).all():
        wanted = of_run(batches, run_id, split, output)
        found = connection.execute(select(func.count()).where(wanted)).scalar_one()
        if buckets != found // ROWS:
            series = f"{split} of {output}" if output else split
            yield f"run {run_id}, {series}: {buckets} summaries of {ROWS}, of {found} batches"


def vacuum(db: str | os.PathLike[str] | None = None) -> None:
    """Give the space of what was deleted back: to the file system, or on a server to its tables.

    SQLite needs, for a while, as much free disk space as the database takes.

    Raises:
        StoreError: there is no database, or another process is writing to it.
    """
    url = database_url(db)
    demand_database(url)
    with opened(url) as engine:
        if not is_sqlite(url):
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM"))
            return
        # SQLite vacuums outside of a transaction, and SQLAlchemy begins one.
        driver = engine.raw_connection()
        driver.cursor().execute("VACUUM")
        driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.close()


def prune_run(url: URL, run_id: str, keep: str) -> int:
    """Delete the batches of a run that its summaries tell of; epochs and findings stay.

    The last batches of each series, fewer than a summary needs, stay. A run that an older lossmon
    recorded is summarised first.

    Returns:
        How many batch rows were deleted.

    Raises:
        InvalidArgument: `keep` is not "summaries", or the run is still being recorded.
    """
    if keep != "summaries":
        raise InvalidArgument(
            f"expected what is to be kept of a run. Received: {keep!r}. Fix: keep='summaries'."
        )
    with writing(url) as connection:
        _demand_ended(connection, run_id)
        known = select(batches.c.split, batches.c.output).where(batches.c.run_id == run_id)
        series = [Series(run_id, *row) for row in connection.execute(known.distinct()).all()]
        deleted = sum(_prune_series(connection, one) for one in series)
        change_run(connection, run_id, pruned=time.time())
    return deleted


def _demand_ended(connection: Connection, run_id: str) -> None:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
    if present_status(row) == "running":
        raise InvalidArgument(
            f"expected a run that has ended. Received: {row['name']!r}, which is being recorded. "
            "Fix: wait for its end."
        )


def _prune_series(connection: Connection, series: Series) -> int:
    summarise_series(connection, series)
    ends = bucket_ends(connection, series, *numbers_within(connection, series, 0, None))
    if ends is None:
        return 0
    told = and_(of_run(batches, *series), not_(after(ends[1])))
    return connection.execute(delete(batches).where(told)).rowcount
