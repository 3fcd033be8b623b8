"""Whether a run whose process lives has come to a stop: computed when read, never written."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median

from sqlalchemy import Connection, select

from lossmon.records import Split
from lossmon.store.liveness import present_status
from lossmon.store.reading import of_run
from lossmon.store.schema import batches, runs

STALLED_SECONDS = 60.0
_USUAL_TIMES = 20
_LOOKED_AT = 20
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
    trained = _last_times(connection, run_id, "train")
    if not trained:
        return None
    silent = moment - max([*trained, *_last_times(connection, run_id, "val")])
    usual = median(later - earlier for later, earlier in pairwise([*trained, trained[-1]]))
    return silent if silent > max(STALLED_SECONDS, _USUAL_TIMES * usual) else None


def _last_times(connection: Connection, run_id: str, split: Split) -> list[float]:
    """When the last batches were made, the newest first."""
    query = (
        select(batches.c.time)
        .where(of_run(batches, run_id, split, None))
        .order_by(batches.c.step.desc(), batches.c.epoch.desc(), batches.c.batch.desc())
        .limit(_LOOKED_AT)
    )
    return list(connection.execute(query).scalars())
