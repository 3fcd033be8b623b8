"""The same scalars for TensorBoard and for lossmon, each by its own writer."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from lossmon.store import upgrade
from tests.bench.recorded import record_many, record_run, records

LONG = 1_000_000
RUNS, EACH = 200, 5_000
_PART = 10_000


class Beside(NamedTuple):
    """Where the same is for both.

    Attributes:
        events: the folder that TensorBoard reads.
        db: the database that lossmon reads.
        runs: the names of the runs.
        steps: how many each has.
    """

    events: Path
    db: Path
    runs: tuple[str, ...]
    steps: int


class Events:
    """An event file of one run, as Keras' callback writes it: two scalars a step.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        # In the bench's own extra, which linters need not have.
        files: Any = import_module("tensorboard.summary.writer.event_file_writer")
        self._event: Any = import_module("tensorboard.compat.proto.event_pb2").Event
        self._summary: Any = import_module("tensorboard.compat.proto.summary_pb2").Summary
        self._writer = files.EventFileWriter(str(folder))

    def write(self, start: int, count: int, since: float = 0.0) -> None:
        """Add the steps from `start` on, their times counted from `since`."""
        for record in records(start, count):
            scalars = {"loss": record.loss, "accuracy": record.accuracy}
            values = [
                self._summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()
            ]
            self._writer.add_event(
                self._event(
                    wall_time=since + record.time,
                    step=record.step,
                    summary=self._summary(value=values),
                )
            )
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()


def one_long(folder: Path) -> Beside:
    """One run of `LONG` steps, written unless it is in the folder."""
    there = Beside(folder / "long-events", folder / "long-beside.db", ("long",), LONG)
    if not there.events.exists():
        _write_events(there.events / "long", LONG)
    if not there.db.exists():
        writer = record_run(there.db, "long", LONG)
        writer.finish("finished")
        writer.close()
    upgrade(there.db)
    return there


def many(folder: Path) -> Beside:
    """`RUNS` runs of `EACH` steps, written unless they are in the folder."""
    names = tuple(f"run-{number:04}" for number in range(RUNS))
    there = Beside(folder / "many-events", folder / "many-beside.db", names, EACH)
    if not there.events.exists():
        for name in names:
            _write_events(there.events / name, EACH)
    if not there.db.exists():
        record_many(there.db, RUNS, EACH)
    upgrade(there.db)
    return there


def _write_events(folder: Path, steps: int) -> None:
    events = Events(folder)
    for start in range(0, steps, _PART):
        events.write(start, min(_PART, steps - start))
    events.close()
