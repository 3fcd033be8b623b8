"""The list of runs, kept in memory and brought up to date by what has changed since.

Ten thousand runs are too many to be read for each page of a list. What lists are sorted, filtered
and grouped by is therefore remembered of each run together with its `revision`; a question reads
anew what has another one, and what only time changes: which trainings are still alive.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from lossmon.store.liveness import present_status, trained_seconds
from lossmon.store.measures import MOST_NAMED, Measures, read_measures, weight
from lossmon.store.ranks import WORST, parts_of
from lossmon.store.reading import among, iso_time
from lossmon.store.run_query import CONFIG, Listed, searched
from lossmon.store.schema import changes, runs

_COLUMNS = (
    *("id", "name", "project", "status", "started", "duration", "heartbeat", "host", "pid"),
    *("epoch", "epochs_planned", "tags", "notes", "archived", "job", "rank", "resumes"),
    *("revision", "config", "rules"),
)
_MOST_SETTINGS = 200


class RunList:
    """All runs of one database, as lists are made of.

    **Thread safety**: threads may share one; they take turns in bringing it up to date.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counter: int | None = None
        self._rows: dict[str, dict[str, Any]] = {}
        self._parts: Mapping[str, Sequence[Mapping[str, Any]]] = {}
        self._leaders: list[str] = []
        self._settings: set[str] = set()
        self._measures: dict[str, tuple[int, Measures]] = {}
        self._listed: dict[str, Listed] = {}

    def runs(self, connection: Connection, *, measured: bool) -> list[Listed]:
        """Return every run, the newest first, the ranks of a job as one.

        Args:
            connection: to read by.
            measured: whether with the values of `Measures`, "flags", "rules_found", "severities"
                and "text", which take longer the first time.
        """
        with self._lock:
            self._follow(connection)
            self._revive(connection)
            if measured:
                self._measure(connection)
            return [self._run(run_id, measured=measured) for run_id in self._leaders]

    def settings(self, connection: Connection) -> list[str]:
        """Return the columns `config.…` that there are, or were."""
        with self._lock:
            self._follow(connection)
            return sorted(self._settings)

    def ranks(self, run_ids: Sequence[str]) -> list[str]:
        """Return some runs of the list, and the other ranks of their jobs."""
        with self._lock:
            others = (part["id"] for run in run_ids for part in self._parts.get(run, ()))
            return [*run_ids, *others]

    def shown_for(self, run_ids: Iterable[str]) -> set[str]:
        """Return the runs of the list that stand for some runs: for other ranks, their rank 0."""
        with self._lock:
            led = {part["id"]: led for led, parts in self._parts.items() for part in parts}
            return {led.get(run, run) for run in run_ids}

    def _follow(self, connection: Connection) -> None:
        counter = connection.execute(select(changes.c.counter)).scalar()
        if counter == self._counter:
            return
        revisions = connection.execute(select(runs.c.id, runs.c.revision)).all()
        present: dict[str, int] = {row[0]: row[1] for row in revisions}
        known = {run: row for run, row in self._rows.items() if run in present}
        stale = [r for r, at in present.items() if r not in known or known[r]["revision"] != at]
        self._rows = known | _read(connection, stale)
        self._measures = {run: m for run, m in self._measures.items() if run in present}
        for run in stale:
            self._listed.pop(run, None)
        self._parts = parts_of(list(self._rows.values()))
        placed = {part["id"] for parts in self._parts.values() for part in parts}
        leaders = [(-row["started"], run) for run, row in self._rows.items() if run not in placed]
        self._leaders = [run for _, run in sorted(leaders)]
        self._settings.update(key for run in stale for key in self._rows[run] if CONFIG in key)
        self._counter = counter

    def _revive(self, connection: Connection) -> None:
        """Find out which of the runs that have not ended are alive."""
        unended = [run for run, row in self._rows.items() if row["stored"] == "running"]
        if not unended:
            return
        beats = select(runs.c.id, runs.c.heartbeat).where(among(runs.c.id, unended))
        now = time.time()
        for run_id, heartbeat in connection.execute(beats).all():
            row = self._rows[run_id]
            row["heartbeat"] = heartbeat
            row["status"] = present_status(row | {"status": "running"}, now)
            row["duration"] = trained_seconds(row, now if row["status"] == "running" else heartbeat)

    def _measure(self, connection: Connection) -> None:
        stale = [
            run
            for run, row in self._rows.items()
            if run not in self._measures or self._measures[run][0] != row["revision"]
        ]
        if not stale:
            return
        fresh = read_measures(connection, stale)
        for run in stale:
            self._measures[run] = (self._rows[run]["revision"], fresh[run])

    def _run(self, run_id: str, *, measured: bool) -> Listed:
        row, parts = self._rows[run_id], self._parts.get(run_id, ())
        if parts:
            states = (rank["status"] for rank in (row, *parts))
            row = {**row, "status": min(states, key=WORST.index)}
        if not measured:
            return row
        if parts or row["stored"] == "running":
            return self._measured(row, parts)
        if run_id not in self._listed:
            self._listed[run_id] = self._measured(row, parts)
        return self._listed[run_id]

    def _measured(self, row: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Listed:
        known = [self._measures[rank["id"]][1] for rank in (row, *parts)]
        found = {key: what for one in reversed(known) for key, what in one.found.items()}
        values = dict(known[0].values)
        if parts:
            values["verified"] = sum(one.values.get("verified", 0.0) for one in known) / len(known)
        listed: dict[str, Any] = {
            **row,
            **values,
            "when": iso_time(row["started"]),
            "flags": weight(found),
            "rules_found": sorted({f"{code} {rule}" for (code, _), (_, rule) in found.items()}),
            "severities": _grades({grade for grade, _ in found.values()}, {**row, **values}),
        }
        return listed | {"text": searched(listed)}


def _grades(severities: set[str], run: Mapping[str, Any]) -> list[str]:
    """Severities of a run's findings; "fine" as well where none is more than advice.

    It is fine only where all rules were asked and all values are verified too.
    """
    flagged = bool(severities - {"info"}) or bool(run["rules"])
    fine = not flagged and run.get("verified") == 1.0
    return sorted(severities | ({"fine"} if fine else set()))


def _read(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    if not run_ids:
        return {}
    few = run_ids if len(run_ids) <= MOST_NAMED else None
    query = select(*(runs.c[name] for name in _COLUMNS)).where(among(runs.c.id, few))
    rows = (dict(zip(_COLUMNS, row, strict=True)) for row in connection.execute(query).all())
    return {row["id"]: _row(row) for row in rows}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    config = _settings(row.pop("config") or {}, CONFIG)
    row["stored"], row["tags"] = row["status"], row["tags"] or []
    return row | config


def _settings(config: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Settings within settings by dotted keys; lists are one value."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _settings(value, f"{prefix}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif len(flat) < _MOST_SETTINGS:
            flat[f"{prefix}{key}"] = value
    return flat
