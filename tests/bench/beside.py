"""The same 500,000 steps of two scalars, opened in TensorBoard and in lossmon.

Each is timed from the start of its server to the answer that holds the last step, then asked again;
and the greatest value shown tells whether a spike of one batch is kept.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from rich.console import Console

from lossmon.store import upgrade
from tests.bench.pages import highest, serving
from tests.bench.recorded import SPIKE, record_run, records

STEPS = 500_000
ROUNDS = 3
_WARM = 5
_PART = 10_000
_PATIENCE = 300.0


class Look(NamedTuple):
    """Seconds to the data, once more, and the greatest value in it."""

    cold: float
    warm: float
    highest: float


def report(console: Console, folder: Path) -> None:
    """Record, measure in turn, and print the medians."""
    events, db = folder / "events", folder / "beside.db"
    if not events.exists():
        _write_events(events)
    if not db.exists():
        writer = record_run(db, "long", STEPS)
        writer.finish("finished")
        writer.close()
    upgrade(db)
    looks: dict[str, list[Look]] = {"TensorBoard": [], "lossmon": []}
    for _ in range(ROUNDS):
        looks["TensorBoard"].append(_by_tensorboard(events))
        looks["lossmon"].append(_by_lossmon(db))
    for name, seen in looks.items():
        cold, warm = (
            statistics.median(getattr(look, key) for look in seen) for key in Look._fields[:2]
        )
        # The other losses are below 2; what is recomputed differs in the ninth digit.
        kept = sum(look.highest > SPIKE / 2 for look in seen)
        console.print(
            f"{name}: {STEPS:,} steps x 2, cold {cold:.2f} s, warm {warm * 1e3:.0f} ms, "
            f"spike of one batch shown in {kept} of {ROUNDS}"
        )


def _write_events(folder: Path) -> None:
    # In the bench's own extra, which linters need not have.
    events: Any = import_module("tensorboard.compat.proto.event_pb2")
    summary: Any = import_module("tensorboard.compat.proto.summary_pb2").Summary
    files: Any = import_module("tensorboard.summary.writer.event_file_writer")

    writer = files.EventFileWriter(str(folder))
    for start in range(0, STEPS, _PART):
        for record in records(start, _PART):
            scalars = {"loss": record.loss, "accuracy": record.accuracy}
            values = [summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
            shown = summary(value=values)
            writer.add_event(events.Event(wall_time=record.time, step=record.step, summary=shown))
    writer.close()


def _by_tensorboard(folder: Path) -> Look:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    began = time.perf_counter()
    with subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:

            def ask() -> float | None:
                points = [_scalars(port, tag) for tag in ("loss", "accuracy")]
                whole = all(line and line[-1][1] == STEPS - 1 for line in points)
                return max(value for _, _, value in points[0]) if whole else None

            found = _await(ask, began)
            cold = time.perf_counter() - began
            return Look(cold, _again(ask), found)
        finally:
            process.terminate()


def _scalars(port: int, tag: str) -> list[tuple[float, int, float]]:
    query = urlencode({"run": ".", "tag": tag})
    try:
        with urlopen(f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?{query}") as answer:
            return json.loads(answer.read())
    except (URLError, ConnectionError):
        return []


def _await(ask: Callable[[], float | None], began: float) -> float:
    while time.perf_counter() - began < _PATIENCE:
        found = ask()
        if found is not None:
            return found
        time.sleep(0.05)
    raise TimeoutError("expected TensorBoard's data within five minutes")


def _by_lossmon(db: Path) -> Look:
    began = time.perf_counter()
    with serving(db) as server:
        server.first_chart("long")
        cold = time.perf_counter() - began
        warm = _again(lambda: server.first_chart("long"))
        return Look(cold, warm, highest(server.chart("long")))


def _again(ask: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(_WARM):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
