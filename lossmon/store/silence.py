"""A server that takes connections and never answers: nothing below SQL notices that.

Its machine confirms what is sent, so the limits of TCP do not help, and the driver waits for ever.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

# More than any transaction of lossmon takes, on a slow server too.
LONGEST_ANSWER = 10.0


class _Lines:
    """Connections that are broken when their time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[Any] = []
        self._over = False

    def add(self, driver: Any, _record: Any = None) -> None:
        with self._lock:
            self._known.append(driver)

    def end(self) -> None:
        """The answers came in time."""
        with self._lock:
            self._over = True

    def sever(self) -> None:
        with self._lock:
            for driver in () if self._over else self._known:
                if not driver.closed:
                    _sever(driver.pgconn.socket)


def _sever(descriptor: int) -> None:
    # A copy: the driver closes its own when it has read the end.
    with socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def answered_in_time(asked: Engine | Connection) -> Generator[None]:
    """Break connections to PostgreSQL on which the block takes longer than any answer may.

    The block then gets the driver's error for a connection that was lost.

    Args:
        asked: a connection, or an engine of which all new ones are meant.
    """
    if asked.dialect.name != "postgresql":
        yield
        return
    lines = _Lines()
    if isinstance(asked, Engine):
        event.listen(asked, "connect", lines.add)
    elif not asked.invalidated:
        lines.add(asked.connection.dbapi_connection)
    timer = threading.Timer(LONGEST_ANSWER, lines.sever)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        lines.end()
        if isinstance(asked, Engine):
            event.remove(asked, "connect", lines.add)
