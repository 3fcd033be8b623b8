"""Whether there is anything new, for views that follow a training."""

from __future__ import annotations

import time
import zlib

from sqlalchemy import Connection, select

from lossmon.store.liveness import present_status
from lossmon.store.schema import changes, runs


def read_revision(connection: Connection, run_id: str | None = None) -> str:
    """Return a token that is another one as soon as there is something new to show.

    Covers what was written and, since no one writes that, which runs have become interrupted.

    Args:
        connection: to read by.
        run_id: look at this run alone; None for all.
    """
    names = ("id", "status", "host", "pid", "started", "heartbeat", "resumes")
    columns = (runs.c[name] for name in names)
    query = select(*columns).where(runs.c.status == "running").order_by(runs.c.id)
    counter = select(changes.c.counter)
    if run_id is not None:
        query = query.where(runs.c.id == run_id)
        counter = select(runs.c.revision).where(runs.c.id == run_id)
    now = time.time()
    running = connection.execute(query).mappings()
    interrupted = [row["id"] for row in running if present_status(row, now) == "interrupted"]
    return (
        f"{connection.execute(counter).scalar()}-{zlib.crc32(' '.join(interrupted).encode()):08x}"
    )
