"""All runs at a glance, in a number of statements that does not grow with the number of runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    distinct,
    func,
    select,
)

from lossmon.store.liveness import present_status, trained_seconds
from lossmon.store.ranks import joined, read_parts
from lossmon.store.reading import (
    best_known,
    is_run,
    iso_time,
    last_epochs,
    read_epochs,
    read_findings,
    read_outputs,
    restored,
)
from lossmon.store.schema import epochs, outputs, runs
from lossmon.store.sparklines import read_sparklines

_LISTED = (
    *("id", "name", "project", "status", "started", "ended", "duration", "heartbeat", "host"),
    *("pid", "epoch", "step", "batches", "epochs_planned", "steps_planned", "tags", "notes"),
    *("pruned", "archived", "resumes", "dropped", "job", "rank", "world_size"),
    "rules",
)
_DOCUMENT = ("verify", "config", "environment", "model", "troubles")
_VALUES = {
    "loss": ("loss", "train"),
    "val_loss": ("loss", "val"),
    "accuracy": ("accuracy", "train"),
    "val_accuracy": ("accuracy", "val"),
}
_BEST = {"loss": func.min, "accuracy": func.max}

_ByRun = Mapping[str, Any]


class _Gathered(NamedTuple):
    """What is known beside the rows of `runs`, each by the run's id."""

    findings: _ByRun
    accuracy_metrics: _ByRun
    totals: _ByRun
    last: _ByRun
    sparklines: _ByRun


def read_runs(
    connection: Connection, run_id: str | None = None, *, archived: bool = True
) -> list[dict[str, Any]]:
    """Return a summary of each run, the newest first; the ranks of a job are one.

    Args:
        connection: to read by.
        run_id: this run alone; None for all.
        archived: whether archived runs are among them.
    """
    summaries = _summaries(connection, run_id, archived=archived)
    if run_id is not None:
        others = read_parts(connection, run_id)
        summaries += [one for part in others for one in _summaries(connection, part)]
    rows = joined(summaries)
    return [row | {"started": iso_time(row["started"])} for row in rows]


def _summaries(
    connection: Connection, run_id: str | None, *, archived: bool = True
) -> list[dict[str, Any]]:
    query = select(*(runs.c[name] for name in _LISTED)).where(is_run(runs.c.id, run_id))
    if not archived:
        query = query.where(runs.c.archived.is_(None))
    ordered = query.order_by(runs.c.started.desc(), runs.c.id)
    rows = connection.execute(ordered).mappings().all()
    gathered = _Gathered(
        findings=read_findings(connection, run_id),
        accuracy_metrics=_accuracy_metrics(connection, run_id),
        totals=_totals(connection, run_id),
        last=_last_values(connection, run_id),
        sparklines=read_sparklines(connection, run_id),
    )
    now = time.time()
    return [_summary(row, gathered, now) for row in rows]


def read_document(connection: Connection, run_id: str) -> dict[str, Any]:
    """Return all that is known of a run, but for its batches."""
    columns = (runs.c[name] for name in _DOCUMENT)
    row = connection.execute(select(*columns).where(runs.c.id == run_id)).mappings().one()
    (summary,) = read_runs(connection, run_id)
    return {
        **summary,
        **row,
        "troubles": [{**t, "time": iso_time(t["time"])} for t in row["troubles"]],
        "outputs": read_outputs(connection, run_id),
        "epochs": read_epochs(connection, run_id),
    }


def _summary(row: Mapping[Any, Any], gathered: _Gathered, now: float) -> dict[str, Any]:
    run_id, status = row["id"], present_status(row, now)
    totals = gathered.totals.get(run_id, {})
    lasted = trained_seconds(row, now if status == "running" else row["heartbeat"])
    return {
        **row,
        "status": status,
        "rules": row["rules"] or [],
        "resumes": [{**r, "time": iso_time(r["time"])} for r in row["resumes"] or ()],
        "ended": iso_time(row["ended"]),
        "heartbeat": iso_time(row["heartbeat"]),
        "pruned": iso_time(row["pruned"]),
        "archived": iso_time(row["archived"]),
        "duration": lasted if row["duration"] is None else row["duration"],
        "epochs": totals.get("epochs", 0),
        "verified": totals.get("verified", 0.0),
        "findings": gathered.findings.get(run_id, []),
        "accuracy_metric": gathered.accuracy_metrics.get(run_id),
        **dict.fromkeys((*_VALUES, "intended_accuracy", "val_intended_accuracy")),
        **gathered.last.get(run_id, {}),
        **{f"best_{name}": totals.get(f"best_{name}") for name in _VALUES},
        "sparkline": {"loss": [], "val_loss": []} | gathered.sparklines.get(run_id, {}),
    }


def _accuracy_metrics(connection: Connection, run_id: str | None) -> dict[str, str]:
    query = select(outputs.c.run_id, outputs.c.name, outputs.c.accuracy_metric)
    known = query.where(is_run(outputs.c.run_id, run_id), outputs.c.accuracy_metric.is_not(None))
    labels: dict[str, str] = {}
    for run, name, label in connection.execute(known.order_by(outputs.c.position)):
        own = label if name is None else f"{name}: {label}"
        labels[run] = f"{labels[run]}, {own}" if run in labels else own
    return labels


def _totals(connection: Connection, run_id: str | None) -> dict[str, dict[str, Any]]:
    columns: list[ColumnElement[Any]] = [
        func.count(distinct(case((epochs.c.split == "train", epochs.c.epoch)))).label("epochs"),
        func.avg(case((epochs.c.status == "verified", 1.0), else_=0.0)).label("verified"),
    ]
    for name, (value, split) in _VALUES.items():
        best = func.coalesce(epochs.c[f"recomputed_{value}"], epochs.c[value])
        counted = and_(epochs.c.split == split, epochs.c.output.is_(None))
        columns.append(_BEST[value](case((counted, best))).label(f"best_{name}"))
    query = select(epochs.c.run_id, *columns).where(is_run(epochs.c.run_id, run_id))
    rows = connection.execute(query.group_by(epochs.c.run_id)).mappings()
    return {row["run_id"]: {**row, "verified": float(row["verified"])} for row in rows}


def _last_values(connection: Connection, run_id: str | None) -> dict[str, dict[str, Any]]:
    last = last_epochs(run_id)
    same = and_(last.c.run_id == epochs.c.run_id, last.c.split == epochs.c.split)
    names = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy", "intended_accuracy")
    names += ("nonfinite_kinds",)
    query = (
        select(epochs.c.run_id.label("run"), epochs.c.split, *(epochs.c[name] for name in names))
        .join(last, and_(same, last.c.last == epochs.c.epoch))
        .where(epochs.c.output.is_(None))
    )
    found: dict[str, dict[str, Any]] = {}
    for row in map(restored, connection.execute(query).mappings()):
        prefix = "" if row["split"] == "train" else "val_"
        for value in ("loss", "accuracy"):
            found.setdefault(row["run"], {})[prefix + value] = best_known(row, value)
        found[row["run"]][f"{prefix}intended_accuracy"] = row["intended_accuracy"]
    return found
