"""What is asked again and again while somebody looks: as little as can be, in few statements."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, or_, select

from lossmon.store.columns import output_key
from lossmon.store.courses import Line, read_line
from lossmon.store.liveness import present_status, trained_seconds
from lossmon.store.prepared import Prepared
from lossmon.store.ranks import is_part
from lossmon.store.reading import iso_time
from lossmon.store.resolve import goes_by, resolve_run
from lossmon.store.schema import batches, changes, runs
from lossmon.store.stalling import STALLED_SECONDS, read_stalled

Row = Mapping[str, Any]
Shown = Mapping[str, tuple[int, int] | None]

_COLUMNS = ("id", "status", "host", "pid", "started", "heartbeat", "resumes", "epoch", "step")
_JUST_NOW_SECONDS = 2.0
_COUNTED = select(changes.c.news)
_NEWS = Prepared(_COUNTED)
_own = runs.alias("own")
_of_job = or_(
    runs.c.id == bindparam("of_run"),
    runs.c.job == select(_own.c.job).where(_own.c.id == bindparam("of_run")).scalar_subquery(),
)
_ALSO = {
    "part": is_part(),
    "of_job": case((_of_job, 1), else_=0),
    "news": runs.c.news,
    "counted": _COUNTED.scalar_subquery(),
}
_FOLLOWED = Prepared(
    select(*(runs.c[name] for name in _COLUMNS), *(one.label(name) for name, one in _ALSO.items()))
    .where(or_(runs.c.status == "running", _of_job))
    .order_by(runs.c.id)
)
"""The runs that have not ended and those of one job, at once: each statement has its price."""
_LAST_TIME = Prepared(
    select(batches.c.time)
    .where(
        batches.c.run_id == bindparam("of_run"),
        batches.c.split == "train",
        output_key(batches) == "",
    )
    .order_by(batches.c.step.desc(), batches.c.epoch.desc(), batches.c.batch.desc())
    .limit(1)
)


class Training(NamedTuple):
    """A run that is being recorded, and what of its row in a list moves with each batch.

    Attributes:
        id: the run.
        duration: seconds so far.
        heartbeat: when it was last heard of, ISO 8601.
        line: what is new of its sparkline; None where that is by epoch.
    """

    id: str
    duration: float
    heartbeat: str | None
    line: Line | None


class Pulse(NamedTuple):
    """What is new.

    Attributes:
        token: another text as soon as there is more to read again than further batches.
        run: the id of the run that was asked for; None where that was all of them.
        step: the last step of that run; None where it has made none.
        running: how many runs are being recorded.
        trainings: those of them that were asked for.
        alive: whether the run that was asked for is among them.
        resumed: how often that was resumed.
    """

    token: str
    run: str | None
    step: int | None
    running: int
    trainings: tuple[Training, ...] = ()
    alive: bool = False
    resumed: int = 0


class Pulses:
    """Reads pulses, and remembers what runs are called for as long as there are no news.

    **Thread safety**: threads may share one.
    """

    def __init__(self) -> None:
        self._named: dict[str, tuple[int, str]] = {}

    def read(
        self, connection: Connection, run: str | None, shown: Shown, step: int | None = None
    ) -> Pulse:
        """Read what is new.

        Args:
            connection: to read by.
            run: the run that is looked at, named as everywhere; None for all.
            shown: the runs whose `Training` is wanted, and stride and number of the values that are
                there of each one's line; None where there are none.
            step: the last step that is known of the run; None where none is.

        Raises:
            RunNotFound: there is no such run.
        """
        now = time.time()
        run_id, rows = self._followed(connection, run)
        unended = [row for row in rows if row["status"] == "running"]
        running = [row for row in unended if _is_recorded(row, now)]
        lost = {row["id"] for row in unended} - {row["id"] for row in running}
        if run_id is None:
            own, news = dict[str, Any](), _counted(connection, rows)
        else:
            ranks = {row["id"]: row for row in rows if row["of_job"]}
            lost &= ranks.keys()
            own, news = (
                ranks.get(run_id, {}),
                max((one["news"] for one in ranks.values()), default=0),
            )
        reached = own.get("step")
        token = f"{news}-{zlib.crc32(' '.join(sorted(lost)).encode()):08x}"
        alive = any(row["id"] == run_id for row in running)
        # What has gone on since it was asked for does not stand still.
        if alive and (step is None or reached == step) and _is_stalled(connection, run_id, now):
            token += "-stalled"
        wanted = [row for row in running if row["id"] in shown]
        trainings = tuple(_training(connection, row, shown[row["id"]], now) for row in wanted)
        count = sum(not row["part"] for row in running)
        resumed = len(own.get("resumes") or ())
        return Pulse(token, run_id, reached, count, trainings, alive, resumed)

    def _followed(
        self, connection: Connection, run: str | None
    ) -> tuple[str | None, list[dict[str, Any]]]:
        """The run that is meant, with the rows of its job and of all that have not ended."""
        known = self._named.get(run or "")
        supposed = None if run is None else (known and known[1]) or resolve_run(connection, run)
        rows = _rows(connection, supposed)
        if run is None or supposed is None:
            return None, rows
        news = _counted(connection, rows)
        if known is not None and known[0] != news and not goes_by(connection, supposed, run):
            meant = resolve_run(connection, run)
            rows = rows if meant == supposed else _rows(connection, meant)
            supposed = meant
        # Names that no run has are nothing to keep.
        kept = {name: one for name, one in self._named.items() if one[0] == news}
        self._named = {**kept, run: (news, supposed)}
        return supposed, rows


def _rows(connection: Connection, run_id: str | None) -> list[dict[str, Any]]:
    return [_row(values) for values in _FOLLOWED.rows(connection, of_run=run_id or "")]


def _counted(connection: Connection, rows: Sequence[Row]) -> int:
    """How often more was new than batches, of any run."""
    if rows:
        return rows[0]["counted"]
    ((news,),) = _NEWS.rows(connection)
    return news


def _training(
    connection: Connection, row: Row, known: tuple[int, int] | None, now: float
) -> Training:
    line = read_line(connection, row, known)
    return Training(row["id"], trained_seconds(row, now), iso_time(row["heartbeat"]), line)


def _row(values: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip((*_COLUMNS, *_ALSO), values, strict=True))
    # Not every driver knows that a text is a document.
    if isinstance(row["resumes"], str):
        row["resumes"] = json.loads(row["resumes"])
    return row


def _is_recorded(row: Row, now: float) -> bool:
    """Whether a run that has not ended is alive; one that wrote just now is not looked for."""
    just_now = 0.0 <= now - row["heartbeat"] <= _JUST_NOW_SECONDS
    return just_now or present_status(row, now) == "running"


def _is_stalled(connection: Connection, run_id: str | None, now: float) -> bool:
    assert run_id is not None
    last = _LAST_TIME.rows(connection, of_run=run_id)
    recent = bool(last) and now - last[0][0] <= STALLED_SECONDS
    return not recent and read_stalled(connection, run_id, now) is not None
