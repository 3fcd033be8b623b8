"""Trackio's databases: a SQLite file for each project."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.exchange.incoming.run import ImportedRun, Point, epoch_records

PROGRAM = "Trackio"


def is_trackio(path: Path) -> bool:
    """Whether a file is a database of Trackio."""
    try:
        with closing(_connect(path)) as connection:
            names = {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
    except sqlite3.Error:
        return False
    return {"run_name", "step", "timestamp", "metrics"} <= names


def read_trackio(path: Path) -> list[ImportedRun]:
    """Read every run of a project.

    Raises:
        InvalidArgument: the file cannot be read as one of Trackio's.
    """
    try:
        with closing(_connect(path)) as connection:
            return _runs(connection, path)
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise InvalidArgument(
            f"expected a database of Trackio. Received: {path} ({error}). "
            "Fix: name the .db file of the project"
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _runs(connection: sqlite3.Connection, path: Path) -> list[ImportedRun]:
    configs = _configs(connection)
    logged: dict[str, dict[int, Point]] = {}
    query = "SELECT run_name, step, timestamp, metrics FROM metrics ORDER BY id"
    for name, step, stamp, text in connection.execute(query):
        points = logged.setdefault(name, {})
        before = points[step].values if step in points else {}
        values = {**before, **_numbers(json.loads(text))}
        points[step] = Point(0, step, values, datetime.fromisoformat(stamp).timestamp())
    return [_run(path, name, points, configs.get(name, {})) for name, points in logged.items()]


def _run(
    path: Path, name: str, points: Mapping[int, Point], config: Mapping[str, Any]
) -> ImportedRun:
    ordered = [points[step] for step in sorted(points)]
    numbered = [Point(n, point.step, point.values, point.time) for n, point in enumerate(ordered)]
    times = [point.time or 0.0 for point in numbered]
    return ImportedRun(
        name,
        PROGRAM,
        f"{path.resolve()}#{name}",
        epoch_records(numbered, PROGRAM, times[0]),
        started=min(times),
        ended=max(times),
        project=path.stem,
        config={key: value for key, value in config.items() if not key.startswith("_")},
    )


def _configs(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    # Databases of early versions have no such table.
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'configs'").fetchone()
    if known is None:
        return {}
    rows = connection.execute("SELECT run_name, config FROM configs")
    return {name: json.loads(text) for name, text in rows}


def _numbers(logged: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among what was logged; those that are not finite are kept as text there."""
    numbers = {key: _number(value) for key, value in logged.items()}
    return {key: value for key, value in numbers.items() if value is not None}


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        named = value.lower().lstrip("+-") in ("nan", "inf", "infinity")
        return float(value) if named else None
    return float(value) if isinstance(value, (int, float)) else None
