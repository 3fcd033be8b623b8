from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lossmon.store import RunWriter
from tests.store.made import open_writer
from tests.store.postgres import PostgresServer, running_server

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    """What makes a database: the tests that ask for it, or for `db`, run on both engines."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.database
    return lambda: str(tmp_path_factory.mktemp("store") / "lossmon.db")


@pytest.fixture
def db(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture
def writer(db: str) -> Iterator[RunWriter]:
    writer = open_writer(db)
    yield writer
    writer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite file is to be: for the tests that are about the file itself."""
    return tmp_path / "lossmon.db"


@pytest.fixture
def file_writer(path: Path) -> Iterator[RunWriter]:
    writer = open_writer(path)
    yield writer
    writer.close()
