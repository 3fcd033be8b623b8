"""Making, checking and migrating the schema of a database."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, literal, select, text
from sqlalchemy.schema import SetColumnComment, SetTableComment

from lossmon.errors import SchemaOutdated, SchemaTooNew, StoreError
from lossmon.store.engine import (
    database_url,
    demand_database,
    describe,
    opened,
)
from lossmon.store.schema import HEAD, VERSION_TABLE, metadata, runs, sample_sets, samples

_ADVISORY_LOCK = 0x6C6F73736D6F6E  # "lossmon"


def create_or_check(engine: Engine, where: str) -> None:
    """Give a new database its tables; of an existing one, demand that it is up to date.

    Several processes may do so at once on the same new database.

    Args:
        engine: an engine that may write.
        where: what to call the database in messages.

    Raises:
        SchemaOutdated: it was written by an older lossmon.
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: it belongs to another program.
    """
    with engine.begin() as connection:
        _take_turns(connection)
        revision = stored_revision(connection)
        if revision is None:
            _demand_free_names(connection, where)
            _migrate(connection)
        else:
            check_revision(revision, where)


def stored_revision(connection: Connection) -> str | None:
    """Return the schema revision that the database says it has; None where lossmon never wrote."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def check_revision(revision: str, where: str) -> None:
    """Raise unless the revision is this lossmon's own.

    Raises:
        SchemaOutdated: it is older.
        SchemaTooNew: it is newer.
    """
    if revision < HEAD:
        raise SchemaOutdated(
            f"expected the database at {where} to have schema {HEAD}. Received: the older schema "
            f"{revision}. Fix: when no training writes to it, run `lossmon db upgrade`."
        )
    if revision > HEAD:
        raise SchemaTooNew(
            f"expected the database at {where} to have schema {HEAD}. Received: the newer schema "
            f"{revision}. Fix: pip install --upgrade lossmon, or name another database."
        )


def demand_current(connection: Connection, where: str) -> None:
    """Raise unless the database has the schema of this lossmon.

    Raises:
        SchemaOutdated: it was written by an older lossmon.
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: lossmon never wrote to it.
    """
    revision = stored_revision(connection)
    if revision is None:
        raise StoreError(
            f"expected a lossmon database at {where}. Received: a database in which lossmon never "
            "recorded. Fix: record a first run with model.fit(..., callbacks=[lossmon.Monitor()]), "
            "or name another database."
        )
    check_revision(revision, where)


def upgrade(db: str | os.PathLike[str] | None = None) -> tuple[str | None, str]:
    """Migrate a database to the schema of this lossmon, in one transaction.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.

    Returns:
        The revision before (None for a new database) and the revision now.

    Raises:
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: it cannot be used, or belongs to another program.
    """
    url = database_url(db)
    with opened(url) as engine, engine.begin() as connection:
        _take_turns(connection)
        before = stored_revision(connection)
        if before is None:
            _demand_free_names(connection, describe(url))
        elif before > HEAD:
            check_revision(before, describe(url))
        _migrate(connection)
    return before, HEAD


def info(db: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Return what a database is.

    `database`, `engine`, `schema`, `expected_schema`, `runs`, `bytes`; and, of a database of this
    schema, how many epochs of validation samples it holds and how many bytes these take:
    `sample_records`, `sample_bytes`.

    Args:
        db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` here.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    url = database_url(db)
    demand_database(url)
    with opened(url, read_only=True) as engine, engine.connect() as connection:
        revision = stored_revision(connection)
        told = {
            "database": describe(url),
            "engine": engine.dialect.name,
            "schema": revision,
            "expected_schema": HEAD,
            "runs": _count_runs(connection) if revision is not None else 0,
            "bytes": size_of(connection),
        }
        return told | (_sample_sizes(connection) if revision == HEAD else {})


def _count_runs(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(runs)).scalar_one()


def _sample_sizes(connection: Connection) -> dict[str, int]:
    size = func.coalesce(func.sum(func.length(samples.c.packed)), 0)
    records, epochs = connection.execute(select(func.count(), size).select_from(samples)).one()
    parts = (sample_sets.c[name] for name in ("keys", "labels", "weights"))
    each = sum((func.coalesce(func.length(part), 0) for part in parts), literal(0))
    sets = connection.execute(select(func.coalesce(func.sum(each), 0))).scalar_one()
    return {"sample_records": int(records), "sample_bytes": int(epochs) + int(sets)}


def size_of(connection: Connection) -> int:
    """Return how many bytes the database takes."""
    if connection.dialect.name == "sqlite":
        pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return connection.exec_driver_sql(pages).scalar_one()
    return connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()


def _take_turns(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))


def _demand_free_names(connection: Connection, where: str) -> None:
    taken = sorted(set(metadata.tables) & set(inspect(connection).get_table_names()))
    if taken:
        raise StoreError(
            f"expected a lossmon database, or an empty one, at {where}. Received: a database with "
            f"another program's table(s) {', '.join(taken)}. Fix: name another with db=…."
        )


def _migrate(connection: Connection) -> None:
    # Alembic is not needed for a database that is up to date, and takes a while to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "lossmon.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _comment(connection)


def _comment(connection: Connection) -> None:
    if not connection.dialect.supports_comments:
        return
    for table in metadata.sorted_tables:
        connection.execute(SetTableComment(table))
        for column in table.columns:
            connection.execute(SetColumnComment(column))
