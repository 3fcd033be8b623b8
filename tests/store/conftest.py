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
) -> Iterator[NewDatabase]:
    """What gives a database for the module: who asks for it, or for `db`, runs on both engines."""
    if request.param == "sqlite":
        yield lambda: str(tmp_path_factory.mktemp("store") / "lossmon.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    taken: list[str] = []

    def take() -> str:
        taken.append(server.take())
        return taken[-1]

    yield take
    for db in taken:
        server.give_back(db)


@pytest.fixture
def db(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    """A database for one test."""
    if request.node.callspec.params["new_database"] == "sqlite":
        yield new_database()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    db = server.take()
    yield db
    server.give_back(db)


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
