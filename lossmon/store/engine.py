"""From a path or URL to an engine: which database is meant, and how it is opened."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from lossmon.errors import DatabaseMissing, InvalidArgument, MissingExtra, StoreError
from lossmon.store.damage import Damaged
from lossmon.store.passwords import SECRET_OPTIONS, without_passwords
from lossmon.store.prepared import ask_driver

DEFAULT_DATABASE = "sqlite:///lossmon.db"
VARIABLE = "LOSSMON_DB"
BUSY_SECONDS = 10.0
_WAL_ATTEMPTS = 50
_SILENT_SECONDS = 3


def database_url(db: str | os.PathLike[str] | None = None) -> URL:
    """Return the URL of the database that is meant.

    Args:
        db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` in the working
            directory.

    Raises:
        InvalidArgument: it is neither a path nor a SQLite or PostgreSQL URL.
    """
    text = os.fspath(db) if db is not None else os.environ.get(VARIABLE) or DEFAULT_DATABASE
    if "://" not in text:
        return _sqlite_url(_expanded(text) if text else None, text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # What it says of the URL may be part of a password.
        raise _unusable(without_passwords(text)) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_url(url.database, text)
    if backend not in {"postgresql", "postgres"}:
        raise _unusable(describe(url))
    if "@" in (url.host or ""):
        raise InvalidArgument(
            f"expected a URL whose password has no @ in it. Received: {describe(url)!r}. "
            "Fix: write %40 for it."
        )
    if find_spec("psycopg") is None:
        raise MissingExtra("psycopg", "a PostgreSQL database", "postgres")
    return url.set(drivername="postgresql+psycopg")


def _expanded(path: str) -> str:
    """A path without `~`, if it can be one."""
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:
        raise _unusable(path) from error


def _sqlite_url(database: str | None, received: str) -> URL:
    if not database or database == ":memory:":
        raise InvalidArgument(
            "expected a database that other processes can read. "
            f"Received: {received!r}. Fix: give the path of a file, such as 'lossmon.db'."
        )
    try:
        os.fsencode(database)
    except UnicodeEncodeError as error:
        raise _unusable(received) from error
    return URL.create("sqlite", database=str(Path(database).absolute()))


def _unusable(received: str) -> InvalidArgument:
    return InvalidArgument(
        "expected a path, or a sqlite:/// or postgresql:// URL, as the database. "
        f"Received: {received!r}. Fix: db='lossmon.db' or "
        "db='postgresql://user:password@host/database'."
    )


def describe(url: URL) -> str:
    """Return what to call the database in a message: its path, or its URL without the password."""
    if is_sqlite(url):
        return str(url.database)
    return without_passwords(url.render_as_string(hide_password=True))


def database_name(db: str | os.PathLike[str] | None) -> str:
    """Return what to call a database in a line for people, wherever it was named.

    Args:
        db: a path or a SQLAlchemy URL; the default database where None.

    Raises:
        InvalidArgument: it is neither.
    """
    return describe(database_url(db))


def missing_part(db: str | os.PathLike[str] | None) -> Literal["folder", "file"] | None:
    """Return what of a SQLite file is not there yet; None where all is, and of a server.

    Args:
        db: a path or a SQLAlchemy URL; the default database where None.

    Raises:
        InvalidArgument: it is neither.
    """
    url = database_url(db)
    path = str(url.database)
    # Of what must not be looked at these say that it is not there; `Path` raises.
    if not is_sqlite(url) or os.path.exists(path):  # noqa: PTH110
        return None
    return "file" if os.path.isdir(os.path.dirname(path)) else "folder"  # noqa: PTH112, PTH120


def plain_url(db: str | os.PathLike[str] | None) -> str:
    """Return what tells a database from others: its URL, the path absolute, without a password."""
    url = database_url(db)._replace(password=None).difference_update_query(SECRET_OPTIONS)
    return url.render_as_string(hide_password=False)


def is_sqlite(url: URL) -> bool:
    """Tell whether the URL names a SQLite file."""
    return url.get_backend_name() == "sqlite"


def demand_database(url: URL) -> None:
    """Raise unless the SQLite file is there (`DatabaseMissing`); servers are asked in use."""
    path = Path(str(url.database))
    if is_sqlite(url) and not path.is_file():
        is_folder = path.is_dir()
        refused = StoreError if is_folder else DatabaseMissing
        raise refused(
            f"expected a database at {path}. Received: "
            f"{'a directory' if is_folder else 'no such file'}. Fix: record a first run with "
            "model.fit(..., callbacks=[lossmon.Monitor()]), or name another database with "
            f"--db, db=… or ${VARIABLE}."
        )


def file_identity(url: URL) -> tuple[int, int] | None:
    """Return what tells a SQLite file from another at the same path; None for a server or none."""
    if not is_sqlite(url):
        return None
    try:
        status = os.stat(str(url.database))  # noqa: PTH116 - asked at each commit
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def is_busy(error: DBAPIError) -> bool:
    """Tell whether the database may well accept the same transaction in a moment."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return error.connection_invalidated


def is_damage(error: DBAPIError) -> bool:
    """Tell whether SQLite has met pages that make no sense."""
    if not isinstance(error.orig, sqlite3.DatabaseError):
        return False
    return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT


def open_engine(url: URL, *, read_only: bool = False, patience: float | None = None) -> Engine:
    """Return an engine on the database.

    A SQLite transaction that may write takes the write lock when it begins, so that waiting for
    another process is done once and by the busy timeout. A reader sees one consistent state from
    the begin of its transaction to the end.

    Args:
        url: as `database_url` returns it.
        read_only: whether any attempt to write is to fail.
        patience: seconds to wait for another process that holds a lock, or for a server.
    """
    if not is_sqlite(url):
        isolation = "REPEATABLE READ" if read_only else "READ COMMITTED"
        engine = create_engine(
            url,
            pool_pre_ping=True,
            isolation_level=isolation,
            connect_args=_server_arguments(patience),
            execution_options={"postgresql_readonly": read_only},
        )
        if patience is not None:
            _wait_for_locks(engine, patience)
        return engine
    waits = BUSY_SECONDS if patience is None else patience
    return _sqlite_engine(Path(str(url.database)), read_only=read_only, patience=waits)


def _server_arguments(patience: float | None) -> dict[str, Any]:
    arguments: dict[str, Any] = {"application_name": "lossmon"}
    if patience is None:
        return arguments | {"connect_timeout": int(BUSY_SECONDS)}
    # A network that was cut in mid-run says nothing: what was sent must be confirmed in time.
    return arguments | {
        "connect_timeout": _SILENT_SECONDS,
        "tcp_user_timeout": 1000 * _SILENT_SECONDS,
        "keepalives_idle": _SILENT_SECONDS,
        "keepalives_interval": 1,
        "keepalives_count": 2,
    }


def _wait_for_locks(engine: Engine, patience: float) -> None:
    def connected(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = {int(1000 * patience)}")
        connection.commit()

    event.listen(engine, "connect", connected)


def _sqlite_engine(path: Path, *, read_only: bool, patience: float) -> Engine:
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    query = {"mode": "ro" if read_only else "rwc", "uri": "true"}
    url = URL.create("sqlite", database=path.as_uri(), query=query)
    sealed = read_only and not os.access(path.parent, os.W_OK)
    # Whether somebody else writes to it may be another matter the next time. Else the connection
    # that was used last knows most of what is asked next.
    pool: dict[str, Any] = {"poolclass": NullPool} if sealed else {"pool_use_lifo": True}
    engine = create_engine(url, connect_args={"timeout": patience}, **pool)

    def connecting(_dialect: Any, _record: Any, arguments: list[str], _: Any) -> None:
        # Without the files beside it, which SQLite cannot make here, a file is read as it is.
        if not Path(f"{path}-wal").exists():
            arguments[0] += "&immutable=1"

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own, implicit BEGIN would start a transaction too late for `BEGIN IMMEDIATE`.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            _use_write_ahead_log(connection)

    def begun(connection: Connection) -> None:
        begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
        ask_driver(connection, lambda cursor: cursor.execute(begin), begin)

    if sealed:
        event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # The busy timeout does not cover this switch, which several new processes may try at once.
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def opened(
    url: URL, *, read_only: bool = False, patience: float | None = None
) -> Generator[Engine]:
    """Open an engine for as long as the block takes, its errors explained."""
    with explained(url):
        engine = open_engine(url, read_only=read_only, patience=patience)
        try:
            yield engine
        finally:
            engine.dispose()


def _what(url: URL) -> str:
    if is_sqlite(url):
        if url.database and os.path.isdir(url.database):  # noqa: PTH112  # of any length
            return "the path, which is a directory: name a file in it"
        return "the path and its permissions"
    return "that the server runs there, and the name of database and user"


@contextmanager
def explained(url: URL) -> Generator[None]:
    """Turn errors of the driver and the file system into a `StoreError` naming the database."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        received = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        raise StoreError(
            f"expected a lossmon database that can be used at {describe(url)}. "
            f"Received: {received}. "
            f"Fix: check {_what(url)}, or name another with db=… or ${VARIABLE}."
        ) from error
    except (json.JSONDecodeError, Damaged) as error:
        raise StoreError(
            f"expected values as lossmon writes them at {describe(url)}. Received: {error}. "
            "Fix: `lossmon db check` looks for damage."
        ) from error
