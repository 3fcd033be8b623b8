"""What may be changed about runs that were recorded."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, delete, select

from lossmon.store.deletion import delete_batches, series_of
from lossmon.store.engine import describe, opened
from lossmon.store.nonfinite import storable_text
from lossmon.store.schema import runs
from lossmon.store.statements import change_run, tell_news
from lossmon.store.upgrade import create_or_check


@contextmanager
def writing(url: URL) -> Generator[Connection]:
    """Give a connection in a transaction of its own, to a database that is up to date."""
    with opened(url) as engine:
        create_or_check(engine, describe(url))
        with engine.begin() as connection:
            yield connection


def delete_runs(url: URL, run_ids: Sequence[str]) -> int:
    """Delete runs with all that was recorded of them; return how many there were.

    The batches go first, a part at a time: when this is broken off, what is left of the runs is
    archived, and deleting them again ends it.
    """
    archive_runs(url, run_ids)
    for run_id in run_ids:
        with opened(url) as engine:
            with engine.connect() as connection:
                known = series_of(connection, run_id)
            for series in known:
                delete_batches(engine, series)
    with writing(url) as connection:
        tell_news(connection)
        return connection.execute(delete(runs).where(runs.c.id.in_(run_ids))).rowcount


def archive_runs(url: URL, run_ids: Sequence[str], *, archived: bool = True) -> int:
    """Put runs out of sight, or back; return of how many that changed something."""
    with writing(url) as connection:
        in_sight = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.archived.is_(None))
        seen = set(connection.execute(in_sight).scalars())
        wanted = [run_id for run_id in run_ids if (run_id in seen) == archived]
        for run_id in wanted:
            change_run(connection, run_id, archived=time.time() if archived else None)
    return len(wanted)


def put_values(url: URL, values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Set columns of several runs in one transaction; return what these were before.

    Args:
        url: the database.
        values: by run the `name`, `notes`, `tags` or `archived` (whether it is) to set.
    """
    before: dict[str, dict[str, Any]] = {}
    columns = (runs.c.name, runs.c.notes, runs.c.tags, runs.c.archived)
    with writing(url) as connection:
        for run_id, wanted in values.items():
            query = select(*columns).where(runs.c.id == run_id)
            row = dict(connection.execute(query).mappings().one())
            row |= {"tags": row["tags"] or [], "archived": row["archived"] is not None}
            before[run_id] = {key: row[key] for key in wanted}
        for run_id, wanted in values.items():
            change_run(connection, run_id, **{key: _stored(key, v) for key, v in wanted.items()})
    return before


def _stored(column: str, value: Any) -> Any:
    if column == "archived":
        return time.time() if value else None
    return storable_text(value) if isinstance(value, str) else value


def edit_run(url: URL, run_id: str, **values: Any) -> None:
    """Set columns of a run, such as its `notes` or `tags`."""
    texts = {key: storable_text(v) if isinstance(v, str) else v for key, v in values.items()}
    with writing(url) as connection:
        change_run(connection, run_id, **texts)
