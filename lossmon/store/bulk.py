"""Many rows at once, by the way of each driver that is the fastest.

Values are handed over column by column and put together row by row while the driver takes them: a
training that makes thousands of batches a second then makes no tuple that lives, and the garbage
collector has nothing to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from lossmon.store.prepared import at_driver


def insert_columns(
    connection: Connection, table: str, names: Sequence[str], columns: Sequence[Sequence[Any]]
) -> None:
    """Add rows: by COPY to PostgreSQL, by the driver's own `executemany` to SQLite.

    Args:
        connection: to write by.
        table: name of the table.
        names: the columns that are given.
        columns: the values of each, of one length.

    Raises:
        DBAPIError: what the driver raised.
    """
    listed = f"{table} ({', '.join(names)})"
    rows = zip(*columns, strict=True)

    def copy(cursor: Any) -> None:
        with cursor.copy(statement) as copied:
            for row in rows:
                copied.write_row(row)

    def execute(cursor: Any) -> None:
        cursor.executemany(statement, rows)

    if connection.dialect.name == "postgresql":
        statement = f"COPY {listed} FROM STDIN"
        at_driver(connection, copy, statement)
    else:
        statement = f"INSERT INTO {listed} VALUES ({', '.join('?' * len(names))})"
        at_driver(connection, execute, statement)
