"""Parts of a list of runs: the page that is looked at, and the groups that runs make."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from lossmon.store.ends import RememberedEnds
from lossmon.store.gathering import Remembered
from lossmon.store.overview import read_runs
from lossmon.store.run_query import Listed, RunQuery, groups_of
from lossmon.store.schema import findings

_OF_RUNS = frozenset(
    ("id", "name", "project", "status", "started", "duration", "tags", "notes", "archived")
)
"""Columns that the table `runs` itself tells of."""
_SPREAD_OVER = ("val_loss", "best_val_loss", "val_accuracy", "best_val_accuracy")


class RunPage(NamedTuple):
    """Some of the runs that were asked for.

    Attributes:
        rows: as `Store.run_rows` gives them, and "config" (settings within settings by dotted
            keys) and "ends" (see `lossmon.store.ends`).
        found: how many runs were asked for.
        training: how many of those are being recorded.
        faulty: how many of those have an error among their findings.
    """

    rows: list[dict[str, Any]]
    found: int
    training: int
    faulty: int


class Spread(NamedTuple):
    """A value over the runs of a group.

    Attributes:
        mean: over those that have it and where it is finite.
        deviation: their standard deviation; None of one.
        runs: how many they are.
    """

    mean: float
    deviation: float | None
    runs: int


class RunGroup(NamedTuple):
    """Runs that have something in common.

    Attributes:
        name: what that is.
        runs: their ids, in the order of the query.
        statuses: how many of each status.
        faulty: how many have an error among their findings.
        spreads: of the values that these runs mean the same by, others are left out; over those
            that were trained to their end, if any were.
        newest: when the newest began, Unix seconds.
    """

    name: str
    runs: tuple[str, ...]
    statuses: dict[str, int]
    faulty: int
    spreads: dict[str, Spread]
    newest: float


def needs_measures(query: RunQuery) -> bool:
    """Whether a query asks for more than the table `runs` tells."""
    columns = {column for column, _ in query.order} | {one.column for one in query.filters}
    return bool(query.words.strip()) or any(
        column not in _OF_RUNS and not column.startswith("config.") for column in columns
    )


def read_page(
    connection: Connection,
    found: Sequence[Listed],
    wanted: Sequence[str],
    ranks: Sequence[str],
    faulty: set[str],
    *,
    remembered: Remembered,
    ends: RememberedEnds,
) -> RunPage:
    """Read the rows of a page.

    Args:
        connection: to read by.
        found: all runs that were asked for.
        wanted: ids of those on the page, in its order.
        ranks: the same, and the other ranks of their jobs.
        faulty: runs of the list that have an error among their findings.
        remembered: what was known of runs before.
        ends: likewise.
    """
    read = read_runs(connection, ranks, remembered=remembered) if wanted else []
    by_id, listed = {row["id"]: row for row in read}, {run["id"]: run for run in found}
    known = ends.read(connection, {run_id: listed[run_id]["revision"] for run_id in wanted})
    rows = [
        by_id[run_id] | {"config": _config(listed[run_id]), "ends": known[run_id]}
        for run_id in wanted
        if run_id in by_id
    ]
    training = sum(run["status"] == "running" for run in found)
    return RunPage(rows, len(found), training, len(faulty & listed.keys()))


def read_faulty(connection: Connection) -> list[str]:
    """Return the runs that have an error among their findings."""
    query = select(findings.c.run_id).where(findings.c.severity == "error").distinct()
    return list(connection.execute(query).scalars())


def _config(run: Listed) -> dict[str, Any]:
    return {key.removeprefix("config."): run[key] for key in run if key.startswith("config.")}


def grouped(found: Sequence[Listed], by: str) -> list[RunGroup]:
    """Put runs into groups, the largest first; a run is in as many as it has tags."""
    members: dict[str, list[Listed]] = {}
    for run in found:
        for name in groups_of(run, by):
            members.setdefault(name, []).append(run)
    groups = [_group(name, runs) for name, runs in members.items()]
    return sorted(groups, key=lambda group: (-len(group.runs), group.name))


def _group(name: str, runs: Sequence[Listed]) -> RunGroup:
    ended = [run for run in runs if run["status"] == "finished"] or runs
    return RunGroup(
        name,
        tuple(run["id"] for run in runs),
        dict(Counter(run["status"] for run in runs)),
        sum(run["flags"] >= 1000 for run in runs),
        {
            column: spread
            for column in _SPREAD_OVER
            if _comparable(runs, column) and (spread := _spread(ended, column)) is not None
        },
        max(run["started"] for run in runs),
    )


def _comparable(runs: Sequence[Listed], column: str) -> bool:
    """Whether the runs mean the same by a value."""
    meaning = "loss_name" if column.endswith("loss") else "accuracy_metric"
    return len({run[meaning] for run in runs} - {None}) < 2


def _spread(runs: Sequence[Listed], column: str) -> Spread | None:
    values = [value for run in runs if (value := run.get(column)) is not None]
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    deviation = statistics.stdev(finite) if len(finite) > 1 else None
    return Spread(statistics.fmean(finite), deviation, len(finite))
