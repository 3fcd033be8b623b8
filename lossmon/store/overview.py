"""All runs at a glance, in a number of statements that does not grow with the number of runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from lossmon.store.gathering import NOTHING, VALUES, Gathered, Remembered, gather
from lossmon.store.joined_epochs import COLUMNS, join_epochs
from lossmon.store.liveness import present_status, trained_seconds
from lossmon.store.parcel import BEGUN_ANEW, WITHDRAWN
from lossmon.store.ranks import joined, read_parts
from lossmon.store.reading import among, iso_time, of_run, read_epochs, read_outputs
from lossmon.store.schema import batches, runs
from lossmon.store.stalling import read_stalled

_LISTED = (
    *("id", "name", "project", "status", "started", "ended", "duration", "heartbeat", "host"),
    *("pid", "epoch", "step", "batches", "epochs_planned", "steps_planned", "tags", "notes"),
    *("pruned", "archived", "resumes", "dropped", "job", "rank", "world_size"),
    *("rules", "revision"),
)
_DOCUMENT = ("verify", "config", "environment", "model", "troubles")


def read_runs(
    connection: Connection,
    run_ids: Sequence[str] | None = None,
    *,
    archived: bool = True,
    remembered: Remembered | None = None,
) -> list[dict[str, Any]]:
    """Return a summary of each run, the newest first; the ranks of a job are one.

    Args:
        connection: to read by.
        run_ids: these runs alone; None for all.
        archived: whether archived runs are among them.
        remembered: what was known of all runs before; None to read all of it again.
    """
    query = select(*(runs.c[name] for name in _LISTED)).where(among(runs.c.id, run_ids))
    if not archived:
        query = query.where(runs.c.archived.is_(None))
    ordered = query.order_by(runs.c.started.desc(), runs.c.id)
    rows = [dict(zip(_LISTED, row, strict=True)) for row in connection.execute(ordered).all()]
    if remembered is None:
        known = gather(connection, run_ids)
    else:
        known = remembered.gather(connection, {row["id"]: row["revision"] for row in rows})
        if run_ids is None and archived:
            remembered.forget(known)
    now = time.time()
    summaries = (_summary(row, known.get(row["id"], NOTHING), now) for row in rows)
    return [row | {"started": iso_time(row["started"])} for row in joined(summaries)]


def read_run(connection: Connection, run_id: str) -> dict[str, Any]:
    """Return the summary of one run, and of the other ranks of its job where it is rank 0."""
    (summary,) = read_runs(connection, [run_id, *read_parts(connection, run_id)])
    return summary


def read_document(connection: Connection, run_id: str) -> dict[str, Any]:
    """Return all that is known of a run, but for its batches."""
    columns = (runs.c[name] for name in _DOCUMENT)
    row = connection.execute(select(*columns).where(runs.c.id == run_id)).mappings().one()
    summary, rows = read_run(connection, run_id), read_epochs(connection, run_id)
    others = [read_epochs(connection, rank["id"], columns=COLUMNS) for rank in summary["ranks"][1:]]
    return {
        **summary,
        **row,
        "stalled": read_stalled(connection, run_id),
        "begun_anew": any(one["message"].startswith(BEGUN_ANEW) for one in row["troubles"]),
        **_told(row["troubles"]),
        "outputs": read_outputs(connection, run_id),
        "batch_size": _batch_size(connection, run_id),
        "epochs": rows,
        "joined_epochs": join_epochs([rows, *others], summary["world_size"]) if others else [],
    }


def _told(troubles: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What went wrong, and apart from it what was taken back."""
    told: dict[str, list[dict[str, Any]]] = {"troubles": [], "withdrawn": []}
    for one in troubles:
        of = "withdrawn" if one["message"].startswith(WITHDRAWN) else "troubles"
        message = one["message"].removeprefix(WITHDRAWN)
        told[of].append({**one, "time": iso_time(one["time"]), "message": message})
    return told


def _batch_size(connection: Connection, run_id: str) -> int | None:
    """The samples of the first training batch; None where it is not kept."""
    own = select(batches.c.n).where(of_run(batches, run_id, "train", None))
    ordered = own.order_by(batches.c.step, batches.c.epoch, batches.c.batch).limit(1)
    return connection.execute(ordered).scalar()


def _summary(row: dict[str, Any], known: Gathered, now: float) -> dict[str, Any]:
    status = present_status(row, now)
    lasted = trained_seconds(row, now if status == "running" else row["heartbeat"])
    shown = {name: value for name, value in row.items() if name != "revision"}
    return {
        **shown,
        "status": status,
        "rules": row["rules"] or [],
        "resumes": [{**r, "time": iso_time(r["time"])} for r in row["resumes"] or ()],
        "ended": iso_time(row["ended"]),
        "heartbeat": iso_time(row["heartbeat"]),
        "pruned": iso_time(row["pruned"]),
        "archived": iso_time(row["archived"]),
        "duration": lasted if row["duration"] is None else row["duration"],
        "epochs": known.totals.get("epochs", 0),
        "verified": known.totals.get("verified", 0.0),
        "findings": [dict(finding) for finding in known.findings],
        "accuracy_metric": known.accuracy_metric,
        **dict.fromkeys((*VALUES, "intended_accuracy", "val_intended_accuracy")),
        **known.course.last,
        **{f"best_{name}": known.totals.get(f"best_{name}") for name in VALUES},
        "sparkline": {
            name: list(known.course.sparkline.get(name, ())) for name in ("loss", "val_loss")
        },
    }
