"""A database of every kind of run, and the app over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dash
import pytest
from lossmon_dashboard import create_app

from tests.dashboard.seed import seed


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("dashboard") / "runs.db")
    seed(path)
    return path


@pytest.fixture
def app(database: str) -> Iterator[dash.Dash]:
    """The app, in whose context the functions of pages may be called."""
    app = create_app(database)
    with app.server.test_request_context():
        yield app


@pytest.fixture
def bare_app(tmp_path: Path) -> Iterator[dash.Dash]:
    """The app over a database that is not there."""
    app = create_app(str(tmp_path / "none.db"))
    with app.server.test_request_context():
        yield app
