"""What is asked again and again while somebody looks: as little as can be, in few statements."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from lossmon.store.courses import Line, read_line
from lossmon.store.followed import States, read_counted, read_rows, read_states
from lossmon.store.liveness import trained_seconds
from lossmon.store.reading import iso_time
from lossmon.store.resolve import goes_by, resolve_run

Row = Mapping[str, Any]
Shown = Mapping[str, tuple[int, int] | None]


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


class JointPulse(NamedTuple):
    """What is new of several runs.

    Attributes:
        token: another text as soon as there is more to read again of any than further batches.
        news: what to ask by which of them have `changed` since.
        running: how many runs are being recorded, whichever.
        alive: another text as soon as one of them ends, comes to a stop, or goes on.
        changed: by id what is known of those of them that have news or have not ended: `name`,
            `status`, `started` and `resumes` as `Store.run_rows` gives them, and their own `news`.
        tokens: the `Pulse.token` of each of these.
    """

    token: str
    news: int
    running: int
    alive: str
    changed: Mapping[str, Row]
    tokens: Mapping[str, str]


class Pulses:
    """Reads pulses, and remembers what runs are called for as long as there are no news.

    **Thread safety**: threads may share one.
    """

    def __init__(self) -> None:
        self._named: dict[str, tuple[int, str]] = {}

    def read(self, connection: Connection, run: str | None, shown: Shown) -> Pulse:
        """Read what is new.

        Args:
            connection: to read by.
            run: the run that is looked at, named as everywhere; None for all.
            shown: the runs whose `Training` is wanted, and stride and number of the values that are
                there of each one's line; None where there are none.

        Raises:
            RunNotFound: there is no such run.
        """
        run_id, rows = self._followed(connection, run)
        states = read_states(connection, rows, [run_id or ""])
        own = next((row for row in rows if row["id"] == run_id), {})
        token = (
            _token(read_counted(connection, rows), states.lost)
            if run_id is None
            else _tokens([run_id], rows, states)[run_id]
        )
        now = time.time()
        wanted = [row for row in states.running if row["id"] in shown]
        return Pulse(
            token,
            run_id,
            own.get("step"),
            _count(states),
            tuple(_training(connection, row, shown[row["id"]], now) for row in wanted),
            any(row["id"] == run_id for row in states.running),
            len(own.get("resumes") or ()),
        )

    def read_joint(
        self, connection: Connection, run_ids: Sequence[str], since: int = -1
    ) -> JointPulse:
        """Read what is new of several runs, in as many statements as of one.

        Args:
            connection: to read by.
            run_ids: the runs; those that are not there have no news.
            since: the `JointPulse.news` that are known; -1 where none are.
        """
        rows = read_rows(connection, run_ids, since)
        wanted = set(run_ids)
        states = read_states(connection, rows, wanted)
        asked = [row for row in rows if row["asked"]]
        news = max([since, *(row["news"] for row in asked)])
        own = {row["id"] for row in asked}
        still = [
            f"{state}:{run_id}"
            for state in ("lost", "stalled")
            for run_id in sorted(own & getattr(states, state))
        ]
        going = sorted(row["id"] for row in states.running if row["asked"])
        changed = {row["id"]: _told(row) for row in asked if row["id"] in wanted}
        return JointPulse(
            _token(news, still),
            news,
            _count(states),
            _token(len(going), [*going, *still]),
            changed,
            _tokens(changed, rows, states),
        )

    def _followed(
        self, connection: Connection, run: str | None
    ) -> tuple[str | None, list[dict[str, Any]]]:
        """The run that is meant, with the rows of its job and of all that have not ended."""
        known = self._named.get(run or "")
        supposed = None if run is None else (known and known[1]) or resolve_run(connection, run)
        rows = read_rows(connection, [supposed or ""])
        if run is None or supposed is None:
            return None, rows
        news = read_counted(connection, rows)
        if known is not None and known[0] != news and not goes_by(connection, supposed, run):
            meant = resolve_run(connection, run)
            rows = rows if meant == supposed else read_rows(connection, [meant])
            supposed = meant
        # Names that no run has are nothing to keep.
        kept = {name: one for name, one in self._named.items() if one[0] == news}
        self._named = {**kept, run: (news, supposed)}
        return supposed, rows


def _tokens(run_ids: Iterable[str], rows: Sequence[Row], states: States) -> dict[str, str]:
    """Those of runs, each and the other ranks of its job."""
    own, jobs = {row["id"]: row for row in rows}, dict[str, list[Row]]()
    for row in rows:
        if row["job"]:
            jobs.setdefault(row["job"], []).append(row)
    found: dict[str, str] = {}
    for run_id in run_ids:
        row = own.get(run_id)
        ranks = [] if row is None else jobs.get(row["job"] or "", [row])
        news = max((rank["news"] for rank in ranks), default=0)
        token = _token(news, states.lost & {rank["id"] for rank in ranks})
        found[run_id] = f"{token}-stalled" if run_id in states.stalled else token
    return found


def _told(row: Row) -> Row:
    resumes = [{**one, "time": iso_time(one["time"])} for one in row["resumes"] or ()]
    return {**row, "started": iso_time(row["started"]), "resumes": resumes}


def _token(news: int, still: Iterable[str]) -> str:
    return f"{news}-{zlib.crc32(' '.join(sorted(still)).encode()):08x}"


def _count(states: States) -> int:
    return sum(not row["part"] for row in states.running)


def _training(
    connection: Connection, row: Row, known: tuple[int, int] | None, now: float
) -> Training:
    line = read_line(connection, row, known)
    return Training(row["id"], trained_seconds(row, now), iso_time(row["heartbeat"]), line)
