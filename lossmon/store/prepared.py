"""Statements that are made many times a second: compiled once, then handed to the driver as text.

SQLAlchemy builds and looks up a statement in longer than SQLite takes to execute it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement


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

    def execute(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Execute it with these values."""
        return connection.exec_driver_sql(*self._said(connection, values))

    def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows as the driver has them, at a fraction of what a result takes to set up.

        Raises:
            DBAPIError: what the driver raised.
        """
        if not connection.in_transaction():
            connection.begin()
        text, given = self._said(connection, values)
        driver = connection.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, given)
            return list(cursor.fetchall())
        except driver.Error as error:
            dialect = connection.dialect
            raise DBAPIError.instance(text, given, error, driver.Error, dialect=dialect) from error
        finally:
            cursor.close()

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
