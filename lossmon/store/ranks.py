"""The ranks of one distributed job: each is recorded as a run, and they are shown as one.

The run of rank 0 stands for the job. A job may be started again under the same key, so the other
ranks belong to that run of rank 0 which began nearest to their own beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from lossmon.errors import RunNotFound
from lossmon.records import RunStatus
from lossmon.store.schema import runs

_SHOWN = ("rank", "id", "host", "pid", "status", "verified", "epochs", "dropped")
# What the worst rank did, the job did.
WORST: tuple[RunStatus, ...] = ("failed", "interrupted", "running", "finished")
_leader = runs.alias("leader")


def is_part() -> ColumnElement[bool]:
    """Return the condition for runs that are shown with the run of their job's rank 0."""
    led = exists().where(_leader.c.job == runs.c.job, _leader.c.rank == 0)
    return and_(runs.c.rank > 0, led)


def of_job(run_id: str) -> ColumnElement[bool]:
    """Return the condition for a run and all that were recorded under the same job."""
    job = select(_leader.c.job).where(_leader.c.id == run_id).scalar_subquery()
    return or_(runs.c.id == run_id, runs.c.job == job)


def read_parts(connection: Connection, run_id: str) -> list[str]:
    """Return the runs of a job's other ranks, by rank; none for the run of another rank."""
    query = select(runs.c.id, runs.c.job, runs.c.rank, runs.c.started).where(of_job(run_id))
    known = connection.execute(query.order_by(runs.c.rank)).mappings().all()
    return [part["id"] for part in parts_of(known).get(run_id, ())]


def rank_of_run(connection: Connection, run_id: str, rank: int) -> str:
    """Return the run of one rank of a job, given any; the run itself for rank 0.

    Raises:
        RunNotFound: no such rank was recorded.
    """
    if not rank:
        return run_id
    parts = [run_id, *read_parts(connection, run_id)]
    query = select(runs.c.id).where(runs.c.id.in_(parts), runs.c.rank == rank)
    found = connection.execute(query).scalar()
    if found is None:
        raise RunNotFound(
            f"expected rank {rank} of run {run_id}. Received: a run that was recorded without it. "
            "Fix: as many processes as before."
        )
    return found


def joined(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the summaries of each job's ranks together, in the place of its rank 0.

    Args:
        rows: summaries of runs, each with "id", "job", "rank" and "started".

    Returns:
        The same without those of other ranks. Each has "ranks": a list of what is known of the
        ranks of its job, empty where the run is none of several.
    """
    given = list(rows)
    parts = parts_of(given)
    placed = {part["id"] for of_one in parts.values() for part in of_one}
    return [_together(row, parts.get(row["id"], ())) for row in given if row["id"] not in placed]


def parts_of(rows: Sequence[Mapping[Any, Any]]) -> dict[str, list[Any]]:
    """The rows of other ranks by the id of the rank 0 that they belong to."""
    leaders: dict[str, list[Any]] = {}
    for row in rows:
        if row["job"] is not None and row["rank"] == 0:
            leaders.setdefault(row["job"], []).append(row)
    parts: dict[str, list[Any]] = {}
    for row in rows:
        if row["rank"] and row["job"] in leaders:
            nearest = min(leaders[row["job"]], key=lambda led: abs(led["started"] - row["started"]))
            parts.setdefault(nearest["id"], []).append(row)
    return {run: sorted(of_one, key=lambda row: row["rank"]) for run, of_one in parts.items()}


def _together(leader: dict[str, Any], parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if leader["rank"] is None:
        return leader | {"ranks": []}
    ranks = [leader, *parts]
    return {
        **leader,
        "status": min((rank["status"] for rank in ranks), key=WORST.index),
        "verified": sum(rank["verified"] for rank in ranks) / len(ranks),
        "dropped": sum(rank["dropped"] for rank in ranks),
        "findings": _findings(ranks),
        "ranks": [{name: rank[name] for name in _SHOWN} for rank in ranks],
    }


def _findings(ranks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each finding once, with the first rank that has it where that is not rank 0."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for rank in ranks:
        for finding in rank["findings"]:
            own = finding if rank["rank"] == 0 else {**finding, "rank": rank["rank"]}
            found.setdefault((finding["code"], finding["output"]), own)
    return list(found.values())
