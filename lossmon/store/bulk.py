"""Many rows at once, by the way of each driver that is the fastest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, event

_COPY = "COPY "


def insert_rows(
    connection: Connection, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Add rows: by COPY to PostgreSQL, by the driver's own `executemany` to SQLite.

    Args:
        connection: to write by; of an engine that `allow_copy` has prepared.
        table: name of the table.
        names: the columns that are given.
        rows: one or more, each with the values of these columns.
    """
    listed = f"{table} ({', '.join(names)})"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"{_COPY}{listed} FROM STDIN", [tuple(row) for row in rows])
    else:
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {listed} VALUES ({marks})", list(rows))


def allow_copy(engine: Engine) -> None:
    """Let a PostgreSQL engine execute COPY with rows, its errors being SQLAlchemy's as ever."""
    event.listen(engine, "do_executemany", _copy)
    event.listen(engine, "do_execute", _copy_one)


def _copy(cursor: Any, statement: str, rows: Iterable[Sequence[Any]], _context: Any) -> bool | None:
    if not statement.startswith(_COPY):
        return None
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return True


def _copy_one(cursor: Any, statement: str, row: Sequence[Any], context: Any) -> bool | None:
    # What SQLAlchemy makes of a list of one.
    return _copy(cursor, statement, [row], context)
