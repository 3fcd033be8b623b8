"""Whether a database is still the one it was, or another under the same name."""

from __future__ import annotations

import secrets

from sqlalchemy import URL, Connection, text

from lossmon.store.engine import file_identity, is_sqlite
from lossmon.store.parcel import Place

_OF_SERVER = text(
    "SELECT CAST(oid AS bigint), CAST(CAST('runs' AS regclass) AS bigint)"
    " FROM pg_database WHERE datname = current_database()"
)


def identity_of(connection: Connection, url: URL) -> Place:
    """Return what tells a database from others, in a transaction that may write.

    Of SQLite the file, which alone says little, since a new file is often given the inode of one
    that was just removed, and a random number that is kept in it; of a server what it calls the
    database and the table of runs.
    """
    if not is_sqlite(url):
        return tuple(connection.execute(_OF_SERVER).one())
    return *(file_identity(url) or ()), _mark(connection)


def is_same(place: Place | None, other: Place) -> bool:
    """Tell whether two identities may be of one database; older lossmons knew less of it."""
    return place is None or place == other[: len(place)]


def _mark(connection: Connection) -> int:
    mark = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if mark == 0:
        mark = 1 + secrets.randbelow(2**31 - 1)
        connection.exec_driver_sql(f"PRAGMA user_version = {mark}")
    return mark
