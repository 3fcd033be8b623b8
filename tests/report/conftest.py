"""Runs of every kind, and reports of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lossmon
from lossmon.report import Report, report_of
from tests.dashboard.seed import seed

Reported = Callable[..., Report]


@pytest.fixture(scope="session")
def report_db(tmp_path_factory: pytest.TempPathFactory) -> str:
    db = str(tmp_path_factory.mktemp("report") / "runs.db")
    seed(db)
    return db


@pytest.fixture(scope="session")
def reported(report_db: str) -> Reported:
    store = lossmon.open_store(report_db)
    return lambda *runs: report_of([store.run(run) for run in runs])
