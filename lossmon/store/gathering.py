"""What is known of runs beside their rows in `runs`: findings, totals of the epochs, the course."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, select

from lossmon.store.courses import Course, read_courses
from lossmon.store.reading import among, read_findings
from lossmon.store.schema import epochs, outputs

VALUES = {
    "loss": ("loss", "train"),
    "val_loss": ("loss", "val"),
    "accuracy": ("accuracy", "train"),
    "val_accuracy": ("accuracy", "val"),
}
_BEST = {"loss": func.min, "accuracy": func.max}
# Beyond that all runs are read again, which takes no list of them.
_MOST_NAMED = 200


class Gathered(NamedTuple):
    """What is known of one run.

    Attributes:
        findings: the gravest first.
        accuracy_metric: what the word became, of each output.
        totals: "epochs", "verified" and "best_…" of each of `VALUES`.
        course: its last values and its sparkline.
    """

    findings: Sequence[dict[str, Any]]
    accuracy_metric: str | None
    totals: Mapping[str, Any]
    course: Course


NOTHING = Gathered((), None, {}, Course({}, {}))
"""What is known of a run that has only begun."""
_UNKNOWN = (-1, NOTHING)


def gather(connection: Connection, run_ids: Sequence[str] | None) -> dict[str, Gathered]:
    """Return what is known of some runs, or of all, in a number of statements that is the same."""
    findings = read_findings(connection, run_ids)
    metrics = read_accuracy_metrics(connection, run_ids)
    totals = read_totals(connection, run_ids)
    courses = read_courses(connection, run_ids)
    return {
        run_id: Gathered(
            findings.get(run_id, ()),
            metrics.get(run_id),
            totals.get(run_id, {}),
            courses.get(run_id, Course({}, {})),
        )
        for run_id in {*findings, *metrics, *totals, *courses}
    }


class Remembered:
    """What was gathered before: only runs that have changed since are read again.

    **Thread safety**: threads may share one. What a slower one puts back is of an older revision,
    and is then read again.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Gathered]] = {}

    def gather(
        self, connection: Connection, revisions: Mapping[str, int]
    ) -> Mapping[str, Gathered]:
        """Return what is known of each run, given its present `revision`."""
        known = self._known
        stale = {
            run_id
            for run_id, revision in revisions.items()
            if known.get(run_id, _UNKNOWN)[0] != revision
        }
        few = len(stale) <= _MOST_NAMED
        fresh = gather(connection, list(stale) if few else None) if stale else {}
        news = {run_id: (revisions[run_id], fresh.get(run_id, NOTHING)) for run_id in stale}
        self._known = known | news
        return {run_id: self._known[run_id][1] for run_id in revisions}

    def forget(self, present: Collection[str]) -> None:
        """Let go of all runs but some."""
        self._known = {run: known for run, known in self._known.items() if run in present}


def read_accuracy_metrics(connection: Connection, run_ids: Sequence[str] | None) -> dict[str, str]:
    """Return what the accuracy of each run is, of each of its outputs."""
    query = select(outputs.c.run_id, outputs.c.name, outputs.c.accuracy_metric)
    known = query.where(among(outputs.c.run_id, run_ids), outputs.c.accuracy_metric.is_not(None))
    labels: dict[str, str] = {}
    for run, name, label in connection.execute(known.order_by(outputs.c.position)):
        own = label if name is None else f"{name}: {label}"
        labels[run] = f"{labels[run]}, {own}" if run in labels else own
    return labels


def read_totals(connection: Connection, run_ids: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Return "epochs", "verified" and "best_…" of each of `VALUES`, of each run with epochs."""
    columns: list[ColumnElement[Any]] = [
        func.count(distinct(case((epochs.c.split == "train", epochs.c.epoch)))).label("epochs"),
        func.avg(case((epochs.c.status == "verified", 1.0), else_=0.0)).label("verified"),
    ]
    for name, (value, split) in VALUES.items():
        best = func.coalesce(epochs.c[f"recomputed_{value}"], epochs.c[value])
        counted = and_(epochs.c.split == split, epochs.c.output.is_(None))
        columns.append(_BEST[value](case((counted, best))).label(f"best_{name}"))
    query = select(epochs.c.run_id, *columns).where(among(epochs.c.run_id, run_ids))
    rows = connection.execute(query.group_by(epochs.c.run_id)).mappings()
    return {row["run_id"]: {**row, "verified": float(row["verified"])} for row in rows}
