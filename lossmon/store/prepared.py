"""Statements that are made many times a second: compiled once, then handed to the driver as text.

SQLAlchemy builds and looks up a statement in longer than SQLite takes to execute it, and makes a
result of it in as long again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

T = TypeVar("T")


class Prepared:
    """One statement for any database.

    Args:
        statement: with a `bindparam` for each value; the values must be what every driver takes as
            it is: numbers and text.
    """

    def __init__(self, statement: ClauseElement) -> None:
        assert isinstance(statement, Executable)
        self._statement = statement
        self._compiled: dict[str, Any] = {}

    def execute(self, connection: Connection, **values: Any) -> int:
        """Execute it with these values, and return how many rows it changed.

        Raises:
            DBAPIError: what the driver raised.
        """
        text, given = self._said(connection, values)

        def execute(cursor: Any) -> int:
            cursor.execute(text, given)
            return cursor.rowcount

        return at_driver(connection, execute, text, given)

    def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows as the driver has them.

        Raises:
            DBAPIError: what the driver raised.
        """
        text, given = self._said(connection, values)

        def fetch(cursor: Any) -> list[Any]:
            cursor.execute(text, given)
            return list(cursor.fetchall())

        return at_driver(connection, fetch, text, given)

    def _said(self, connection: Connection, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The text, and the values as the driver takes them."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            compiled: Any = self._statement.compile(dialect=dialect)
            self._compiled[dialect.name] = str(compiled), compiled.params, compiled.positiontup
        text, constants, order = self._compiled[dialect.name]
        # The statement's own constants are parameters too.
        given = constants | values
        return text, given if order is None else tuple(given[name] for name in order)


def at_driver(connection: Connection, ask: Callable[[Any], T], text: str, given: Any = None) -> T:
    """Ask the driver itself, within a transaction; its errors are SQLAlchemy's as ever.

    Args:
        connection: to ask by; a transaction is begun where there is none.
        ask: called with the driver's cursor.
        text: the statement, for who reads the error.
        given: its values, likewise.

    Raises:
        DBAPIError: what the driver raised.
    """
    if not connection.in_transaction():
        connection.begin()
    return ask_driver(connection, ask, text, given)


def ask_driver(connection: Connection, ask: Callable[[Any], T], text: str, given: Any = None) -> T:
    """Ask as `at_driver` does, while a transaction is being begun."""
    dialect, driver = connection.dialect, connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        return ask(cursor)
    except driver.Error as error:
        lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            text, given, error, driver.Error, connection_invalidated=lost, dialect=dialect
        ) from error
    finally:
        cursor.close()
