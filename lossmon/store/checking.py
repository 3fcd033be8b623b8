"""Looking for what is wrong with a database."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, Text, and_, func, select, type_coerce
from sqlalchemy.exc import DatabaseError

from lossmon.store.buckets import ROWS
from lossmon.store.columns import Document, output_key
from lossmon.store.damage import Damaged
from lossmon.store.engine import database_url, demand_database, describe, is_damage, opened
from lossmon.store.packing import PLACES, unpack
from lossmon.store.reading import of_run
from lossmon.store.sample_packing import unpack as unpack_samples
from lossmon.store.sample_packing import unpack_set
from lossmon.store.schema import batches, metadata, runs, sample_sets, samples, summaries
from lossmon.store.upgrade import demand_current

AT_ONCE = 1000
"""Rows that are unpacked before more are read."""


def check_database(db: str | os.PathLike[str] | None = None) -> list[str]:
    """Return what is wrong with a database, in sentences: none where it is sound.

    The engine's own check of the file and of its documents (SQLite) comes first; then whether each
    run has as many train batches as its row says and the summaries that its batches make, and
    whether all summaries and samples can be unpacked.

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
        return list(_damage(connection)) or [
            *_miscounted(connection),
            *_summarised_wrongly(connection),
            *_packed_wrongly(connection),
        ]


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


def _summarised_wrongly(connection: Connection) -> Iterator[str]:
    series = (summaries.c.run_id, summaries.c.split, summaries.c.output)
    finest = (
        select(*series, runs.c.status, func.count())
        .join(runs, and_(runs.c.id == summaries.c.run_id, runs.c.pruned.is_(None)))
        .where(summaries.c.rows == ROWS)
        .group_by(*series, runs.c.status)
    )
    for run_id, split, output, status, buckets in connection.execute(finest).all():
        wanted = of_run(batches, run_id, split, output)
        found = connection.execute(select(func.count()).where(wanted)).scalar_one()
        # Several are made at a time: a run that has not come to its end lacks the last of them.
        if buckets > found // ROWS or (status == "finished" and buckets < found // ROWS):
            name = f"{split} of {output}" if output else split
            yield f"run {run_id}, {name}: {buckets} summaries of {ROWS}, of {found} batches"


def _packed_wrongly(connection: Connection) -> Iterator[str]:
    unpacked: dict[Table, Callable[[Mapping[str, Any]], object]] = {
        summaries: _summary,
        sample_sets: unpack_set,
        samples: lambda row: unpack_samples(row, None),
    }
    for table, attempt in unpacked.items():
        broken: Counter[str] = Counter()
        query = select(table).execution_options(yield_per=AT_ONCE)
        for row in connection.execute(query).mappings():
            try:
                attempt({**row})
            except Damaged:
                broken[row["run_id"]] += 1
        for run_id, rows in broken.items():
            yield f"run {run_id}: {rows} row(s) of {table.name} are damaged: cannot be unpacked"


def _summary(row: Mapping[str, Any]) -> None:
    unpack([[row[name] for name in (*PLACES, "measures", "packed")]], row["measures"].split(","))
