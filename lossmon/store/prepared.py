"""Statements that are made many times a second: compiled once, then handed to the driver as text.

SQLAlchemy builds and looks up a statement in longer than SQLite takes to execute it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.engine import CursorResult
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
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = self._statement.compile(dialect=dialect)
        compiled = self._compiled[dialect.name]
        # The statement's own constants are parameters too.
        given = compiled.params | values
        order = compiled.positiontup
        return connection.exec_driver_sql(
            str(compiled), given if order is None else tuple(given[name] for name in order)
        )
