"""Whether a run whose process lives has come to a stop: computed when read, never written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any, get_args

from sqlalchemy import Connection, Select, select, union_all

from lossmon.records import Split
from lossmon.store.liveness import present_status
from lossmon.store.reading import of_run
from lossmon.store.schema import batches, runs

STALLED_SECONDS = 60.0
_USUAL_TIMES = 20
_LOOKED_AT = 20
# SQLite takes 500 parts of a statement, two of which are a run's.
_AT_ONCE = 200
_COLUMNS = ("status", "host", "pid", "started", "heartbeat", "resumes")


def read_stalled(connection: Connection, run_id: str, now: float | None = None) -> float | None:
    """Return for how many seconds a training run has made no batch, where that is unusually long.

    Args:
        connection: to read by.
        run_id: the run.
        now: Unix seconds; the present by default.

    Returns:
        None where the run is not being recorded, has made no batch yet, or made one within a minute
        and within 20 times as long as its batches usually take.
    """
    moment = time.time() if now is None else now
    query = select(*(runs.c[name] for name in _COLUMNS)).where(runs.c.id == run_id)
    run = connection.execute(query).mappings().one()
    if present_status(run, moment) != "running":
        return None
    return read_silences(connection, [run_id], moment).get(run_id)


def read_silences(connection: Connection, run_ids: Sequence[str], now: float) -> dict[str, float]:
    """Return the same of several runs that are being recorded, in one statement for 200 of them.

    Args:
        connection: to read by.
        run_ids: the runs.
        now: Unix seconds.

    Returns:
        Of those that have come to a stop.
    """
    times: dict[tuple[str, Split], list[float]] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        some = run_ids[start : start + _AT_ONCE]
        query = union_all(*(_last(run_id, split) for run_id in some for split in get_args(Split)))
        for row in connection.execute(query).mappings():
            times.setdefault((row["run_id"], row["split"]), []).append(row["time"])
    found: dict[str, float] = {}
    for run_id in run_ids:
        trained = sorted(times.get((run_id, "train"), ()), reverse=True)
        if not trained:
            continue
        silent = now - max([*trained, *times.get((run_id, "val"), ())])
        usual = median(later - earlier for later, earlier in pairwise([*trained, trained[-1]]))
        if silent > max(STALLED_SECONDS, _USUAL_TIMES * usual):
            found[run_id] = silent
    return found


def _last(run_id: str, split: Split) -> Select[Any]:
    """When the last batches were made."""
    newest = (
        select(batches.c.run_id, batches.c.split, batches.c.time)
        .where(of_run(batches, run_id, split, None))
        .order_by(batches.c.step.desc(), batches.c.epoch.desc(), batches.c.batch.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    return select(newest)
