"""Keeping a database small: giving space back, pruning old runs."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    not_,
    select,
    text,
)

from lossmon.errors import InvalidArgument, StoreError
from lossmon.store.deletion import delete_batches, series_of
from lossmon.store.edits import writing
from lossmon.store.engine import (
    database_url,
    demand_database,
    describe,
    is_sqlite,
    opened,
)
from lossmon.store.liveness import present_status
from lossmon.store.sample_retention import prune_samples
from lossmon.store.schema import metadata, runs
from lossmon.store.selection import Series, after, bucket_ends, numbers_within
from lossmon.store.statements import change_run
from lossmon.store.summariser import summarise_series
from lossmon.store.upgrade import demand_current, size_of


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
        StoreError: there is no database, another process is writing to it, the disk is too full, or
            the tables of the server belong to another role.
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
            _vacuum_tables(engine, url, whole=not recording)
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


def _vacuum_tables(engine: Engine, url: URL, *, whole: bool) -> None:
    options = "FULL, ANALYZE" if whole else "ANALYZE"
    notices: list[str] = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.driver_connection
        driver.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        connection.execute(text(f"VACUUM ({options}) {', '.join(metadata.tables)}"))
    # PostgreSQL passes over what a role does not own, and calls that a success.
    if refused := [notice for notice in notices if "permission denied" in notice]:
        raise StoreError(
            f"expected the owner of the tables at {describe(url)} to give their space back. "
            f"Received: {refused[0]}. Fix: run `lossmon db vacuum` as their owner."
        )


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
