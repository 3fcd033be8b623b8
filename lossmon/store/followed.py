"""The rows of runs that are looked at while they are recorded, in one statement."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, or_, select

from lossmon.store.columns import output_key
from lossmon.store.liveness import present_status
from lossmon.store.prepared import Prepared
from lossmon.store.ranks import is_part
from lossmon.store.schema import batches, changes, runs
from lossmon.store.stalling import STALLED_SECONDS, read_silences

Row = Mapping[str, Any]

_COLUMNS = (
    *("id", "status", "host", "pid", "started", "heartbeat", "resumes", "epoch", "step"),
    *("job", "name", "news"),
)
_COMPUTED = ("part", "asked", "counted", "last")
_JUST_NOW_SECONDS = 2.0
_COUNTED = select(changes.c.news)
_NEWS = Prepared(_COUNTED)


@lru_cache
def _followed(size: int) -> Prepared:
    """The runs that have not ended, and of those asked for and their jobs what has news.

    At once: each statement has its price.
    """
    own, new = runs.alias("own"), runs.c.news > bindparam("since")
    given = [bindparam(f"run_{place}") for place in range(size)]
    asked = select(own.c.id, own.c.job).where(own.c.id.in_(given)).cte("asked")
    named = runs.c.id.in_(select(asked.c.id))
    of_jobs = runs.c.job.in_(select(asked.c.job).where(asked.c.job.is_not(None)))
    last = (
        select(batches.c.time)
        .where(batches.c.run_id == runs.c.id, batches.c.split == "train", output_key(batches) == "")
        .order_by(batches.c.step.desc(), batches.c.epoch.desc(), batches.c.batch.desc())
        .limit(1)
        .scalar_subquery()
    )
    running = runs.c.status == "running"
    computed = (
        is_part(),
        case((or_(named, of_jobs), 1), else_=0),
        _COUNTED.scalar_subquery(),
        case((and_(running, or_(named, of_jobs)), last)),
    )
    columns = [
        *(runs.c[name] for name in _COLUMNS),
        *(one.label(name) for name, one in zip(_COMPUTED, computed, strict=True)),
    ]
    wanted = or_(running, and_(named, new), and_(of_jobs, new))
    return Prepared(select(*columns).where(wanted).order_by(runs.c.id))


class States(NamedTuple):
    """What has become of the runs that have not ended: rows of those that are recorded, and ids."""

    running: Sequence[Row]
    lost: set[str]
    stalled: set[str]


def read_states(connection: Connection, rows: Sequence[Row], looked_at: Collection[str]) -> States:
    """What has become of the runs of some rows, and which of those looked at have stopped."""
    now = time.time()
    unended = [row for row in rows if row["status"] == "running"]
    running = [row for row in unended if _is_recorded(row, now)]
    lost = {row["id"] for row in unended} - {row["id"] for row in running}
    silent = [row["id"] for row in running if row["id"] in looked_at and not _is_recent(row, now)]
    return States(running, lost, set(read_silences(connection, silent, now)) if silent else set())


def read_rows(
    connection: Connection, run_ids: Sequence[str], since: int = -1
) -> list[dict[str, Any]]:
    """Statements are made for so many runs as a power of two, not for each number of them."""
    size = 1 << max(0, len(run_ids) - 1).bit_length()
    asked = [*run_ids, *[""] * (size - len(run_ids))]
    values = {f"run_{place}": run_id for place, run_id in enumerate(asked)}
    return [_row(found) for found in _followed(size).rows(connection, since=since, **values)]


def read_counted(connection: Connection, rows: Sequence[Row]) -> int:
    """How often more was new than batches, of any run."""
    if rows:
        return rows[0]["counted"]
    ((news,),) = _NEWS.rows(connection)
    return news


def _row(values: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip((*_COLUMNS, *_COMPUTED), values, strict=True))
    # Not every driver knows that a text is a document.
    if isinstance(row["resumes"], str):
        row["resumes"] = json.loads(row["resumes"])
    return row


def _is_recorded(row: Row, now: float) -> bool:
    """Whether a run that has not ended is alive; one that wrote just now is not looked for."""
    just_now = 0.0 <= now - row["heartbeat"] <= _JUST_NOW_SECONDS
    return just_now or present_status(row, now) == "running"


def _is_recent(row: Row, now: float) -> bool:
    """Whether a run made a batch so lately that it cannot have come to a stop, or none yet."""
    return row["last"] is None or now - row["last"] <= STALLED_SECONDS
