"""Whether there is anything new, for views that follow a training."""

from __future__ import annotations

import time
import zlib

from sqlalchemy import ColumnElement, Connection, func, not_, select, true

from lossmon.records import RunStatus
from lossmon.store.liveness import present_status
from lossmon.store.ranks import is_part, of_job
from lossmon.store.schema import changes, runs
from lossmon.store.stalling import read_stalled


def read_revision(connection: Connection, run_id: str | None = None) -> str:
    """Return a token that is another one as soon as there is something new to show.

    Covers what was written and, since no one writes that, which runs have become interrupted, and
    whether the one looked at has come to a stop.

    Args:
        connection: to read by.
        run_id: look at this run alone; None for all.
    """
    counter = select(changes.c.counter)
    if run_id is not None:
        counter = select(func.max(runs.c.revision)).where(of_job(run_id))
    wanted = true() if run_id is None else of_job(run_id)
    interrupted = " ".join(_unended(connection, "interrupted", wanted))
    stalled = run_id is not None and read_stalled(connection, run_id) is not None
    token = f"{connection.execute(counter).scalar()}-{zlib.crc32(interrupted.encode()):08x}"
    return token + ("-stalled" if stalled else "")


def read_recording(connection: Connection) -> list[str]:
    """Return the ids of the runs that are being recorded; of a job, that of rank 0."""
    return _unended(connection, "running", not_(is_part()))


def _unended(
    connection: Connection, status: RunStatus, condition: ColumnElement[bool]
) -> list[str]:
    """The ids of those runs that were never ended which have a status at present."""
    names = ("id", "status", "host", "pid", "started", "heartbeat", "resumes")
    query = select(*(runs.c[name] for name in names)).where(runs.c.status == "running", condition)
    now = time.time()
    rows = connection.execute(query.order_by(runs.c.id)).mappings()
    return [row["id"] for row in rows if present_status(row, now) == status]
