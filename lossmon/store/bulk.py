"""Many rows at once, by the way of each driver that is the fastest.

Values are handed over column by column and put together row by row while the driver takes them: a
training that makes thousands of batches a second then makes no tuple that lives, and the garbage
collector has nothing to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, event

_BY_COLUMN = "lossmon_by_column"


def insert_columns(
    connection: Connection, table: str, names: Sequence[str], columns: Sequence[Sequence[Any]]
) -> None:
    """Add rows: by COPY to PostgreSQL, by the driver's own `executemany` to SQLite.

    Args:
        connection: to write by; of an engine that `allow_columns` has prepared.
        table: name of the table.
        names: the columns that are given: two or more.
        columns: the values of each, of one length.
    """
    listed = f"{table} ({', '.join(names)})"
    if connection.dialect.name == "postgresql":
        statement = f"COPY {listed} FROM STDIN"
    else:
        statement = f"INSERT INTO {listed} VALUES ({', '.join('?' * len(names))})"
    given = [tuple(column) for column in columns]
    connection.exec_driver_sql(statement, given, execution_options={_BY_COLUMN: True})


def allow_columns(engine: Engine) -> None:
    """Let an engine take values by column, errors being SQLAlchemy's as ever."""
    event.listen(engine, "do_executemany", _executemany)


def _executemany(
    cursor: Any, statement: str, columns: Sequence[Sequence[Any]], context: Any
) -> bool | None:
    if not context.execution_options.get(_BY_COLUMN):
        return None
    rows = zip(*columns, strict=True)
    if context.dialect.name == "postgresql":
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    else:
        cursor.executemany(statement, rows)
    return True
