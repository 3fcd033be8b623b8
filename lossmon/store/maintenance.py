"""Keeping a database sound and small: checking it, giving space back, pruning old runs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Text,
    and_,
    func,
    not_,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import DatabaseError

from lossmon.errors import InvalidArgument, StoreError
from lossmon.store.buckets import ROWS
from lossmon.store.columns import Document, output_key
from lossmon.store.deletion import delete_batches, series_of
from lossmon.store.edits import writing
from lossmon.store.engine import (
    database_url,
    demand_database,
    describe,
    is_damage,
    is_sqlite,
    opened,
)
from lossmon.store.liveness import present_status
from lossmon.store.reading import of_run
from lossmon.store.sample_retention import prune_samples
from lossmon.store.schema import batches, metadata, runs, summaries
from lossmon.store.selection import Series, after, bucket_ends, numbers_within
from lossmon.store.statements import change_run
from lossmon.store.summariser import summarise_series
from lossmon.store.upgrade import demand_current, size_of


def check_database(db: str | os.PathLike[str] | None = None) -> list[str]:
    """Return what is wrong with a database, in sentences: none where it is sound.

    The engine's own check of the file and of its documents (SQLite) comes first; then whether each
    run has as many train batches as its row says, and no more summaries than its batches make.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.

    Raises:
        SchemaOutdated: the database was written by an older lossmon.
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: there is none, or it cannot be read at all.
    """
    url = database_url(db)
    demand_database(url)
    with opened(url, read_only=True) as engine, engine.connect() as connection:
        try:
            demand_current(connection, describe(url))
        except DatabaseError as error:
            # Where even that cannot be read, the check of the file says why.
            if not is_damage(error):
                raise
        # Tables of a damaged file are not counted: that would end in the driver's error.
        return list(_damage(connection)) or [*_miscounted(connection), *_oversummarised(connection)]


def _damage(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    try:
        for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
            if line != "ok":
                yield f"the file is damaged: {line}"
        for table in connection.exec_driver_sql("PRAGMA foreign_key_check").scalars():
            yield f"a row of {table} belongs to no run"
        yield from _unreadable(connection)
    except DatabaseError as error:
        if not is_damage(error):
            raise
        yield f"the file is damaged: {error.orig}"


def _unreadable(connection: Connection) -> Iterator[str]:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Document) or column.name == "nonfinite_kinds":
                stored = type_coerce(column, Text)
                broken = and_(stored.is_not(None), func.json_valid(stored) == 0)
                counted = select(func.count()).select_from(table).where(broken)
                if rows := connection.execute(counted).scalar_one():
                    yield f"{rows} row(s) of {table.name} are damaged: {column.name} is no JSON"


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


def vacuum(db: str | os.PathLike[str] | None = None) -> tuple[int, int]:
    """Give the space of what was deleted back to the file system.

    SQLite needs, for a while, as much free disk space as the database takes, and lets nobody write
    meanwhile; so does PostgreSQL. While a run is being recorded, SQLite is left as it is, and
    PostgreSQL keeps the space for what comes next.

    Args:
        db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` here.

    Returns:
        How many bytes the database took before, and now.

    Raises:
        StoreError: there is no database, another process is writing to it, or the disk is too full.
    """
    url = database_url(db)
    demand_database(url)
    with opened(url) as engine:
        with engine.connect() as connection:
            demand_current(connection, describe(url))
            before = size_of(connection)
            recording = _recording(connection)
        if is_sqlite(url):
            _demand_quiet(url, recording, before)
            _vacuum_file(engine)
        else:
            _vacuum_tables(engine, whole=not recording)
        with engine.connect() as connection:
            return before, size_of(connection)


def _recording(connection: Connection) -> list[str]:
    rows = connection.execute(select(runs).where(runs.c.status == "running")).mappings()
    return [row["name"] for row in rows if present_status(row) == "running"]


def _demand_quiet(url: URL, recording: list[str], size: int) -> None:
    if recording:
        raise StoreError(
            f"expected no run to be recorded into {describe(url)} while its space is given back. "
            f"Received: {', '.join(map(repr, recording))}. Fix: run `lossmon db vacuum` at its end."
        )
    free = shutil.disk_usage(Path(describe(url)).parent).free
    if free < size:
        raise StoreError(
            f"expected {size:,} free bytes beside {describe(url)} to write it anew. Received: "
            f"{free:,}. Fix: make room, then run `lossmon db vacuum`."
        )


def _vacuum_file(engine: Engine) -> None:
    # SQLite vacuums outside of a transaction, and SQLAlchemy begins one.
    driver = engine.raw_connection()
    driver.cursor().execute("VACUUM")
    driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    driver.close()


def _vacuum_tables(engine: Engine, *, whole: bool) -> None:
    options = "FULL, ANALYZE" if whole else "ANALYZE"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ({options}) {', '.join(metadata.tables)}"))


def prune_run(url: URL, run_id: str, keep: str) -> int:
    """Delete the batches of a run that its summaries tell of; epochs and findings stay.

    The last batches of each series, fewer than a summary needs, stay; of validation samples those
    of the last epoch and of the best ones. A run that an older lossmon recorded is summarised
    first. The batches go a part at a time: when this is broken off, pruning again ends it, and
    charts show the same meanwhile.

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
        prune_samples(connection, run_id)
        told = {one: _summarised(connection, one) for one in series_of(connection, run_id)}
        change_run(connection, run_id, pruned=time.time())
    with opened(url) as engine:
        return sum(
            delete_batches(engine, series, condition)
            for series, condition in told.items()
            if condition is not None
        )


def _demand_ended(connection: Connection, run_id: str) -> None:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
    if present_status(row) == "running":
        raise InvalidArgument(
            f"expected a run that has ended. Received: {row['name']!r}, which is being recorded. "
            "Fix: wait for its end."
        )


def _summarised(connection: Connection, series: Series) -> ColumnElement[bool] | None:
    """Condition for the batches that summaries tell of, which are made first; None: for none."""
    summarise_series(connection, series)
    ends = bucket_ends(connection, series, *numbers_within(connection, series, 0, None))
    return None if ends is None else not_(after(ends[1]))
