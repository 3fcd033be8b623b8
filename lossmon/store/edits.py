"""What may be changed about runs that were recorded, each in one transaction of its own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, delete, update

from lossmon.store.engine import describe, opened
from lossmon.store.nonfinite import storable_text
from lossmon.store.schema import changes, runs
from lossmon.store.statements import change_run
from lossmon.store.upgrade import create_or_check


@contextmanager
def writing(url: URL) -> Generator[Connection]:
    """Give a connection in a transaction of its own, to a database that is up to date."""
    with opened(url) as engine:
        create_or_check(engine, describe(url))
        with engine.begin() as connection:
            yield connection


def delete_runs(url: URL, run_ids: Sequence[str]) -> int:
    """Delete runs with all that was recorded of them; return how many there were."""
    with writing(url) as connection:
        deleted = connection.execute(delete(runs).where(runs.c.id.in_(run_ids))).rowcount
        connection.execute(update(changes).values(counter=changes.c.counter + 1))
    return deleted


def edit_run(url: URL, run_id: str, **values: Any) -> None:
    """Set the `name`, `notes` or `tags` of a run."""
    cleaned = {k: storable_text(v) if isinstance(v, str) else v for k, v in values.items()}
    with writing(url) as connection:
        change_run(connection, run_id, **cleaned)
