"""What the chart of a run that is followed is told: what is new of it, or all where need be.

The browser says by a mark what it has. The mark holds all that the next answer goes on from, so
that the server keeps nothing of those who look, and any server may answer.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, get_args

from lossmon.store import Pulse, Store
from lossmon_dashboard.figures.added import LOST, Points, history_points, seen_batches
from lossmon_dashboard.figures.curves import Seen
from lossmon_dashboard.figures.events import Event
from lossmon_dashboard.figures.history_view import HistoryView, Measure
from lossmon_dashboard.run_tabs.history import History, Zoom, read_history
from lossmon_dashboard.theme import Scheme

_LATE_EPOCHS = 1
"""So many epochs before the last are told again: parts of an epoch may come after its first row."""
_MOVED = 5e-4
"""The share of the axis, about half a pixel, beyond which places that have moved are drawn anew."""
_MOST = 2**53
STALE: Mapping[str, Any] = {"stale": True}
"""What is told instead of new points where a chart is to be drawn anew."""
_OF_BATCHES = ("batch", "smooth", "low", "high")


class Mark(NamedTuple):
    """What a browser has of a chart.

    Attributes:
        key: of what it shows, how finely, and what stands on it.
        since: the first step of which it must be told again.
        epoch: the last epoch that it has; -1 where there is none.
        place: where on the axis it has `since`.
        seen: how it has drawn the batches of each measure.
    """

    key: str
    since: int
    epoch: int
    place: float
    seen: Mapping[Measure, Seen]

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> Mark | None:
        """What the browser tells; None where it has nothing, or nothing that makes sense."""
        if told is None:
            return None
        try:
            seen = {measure: _seen(*told["seen"][measure]) for measure in get_args(Measure)}
            numbers = _whole(told["since"]), int(told["epoch"]), float(told["place"])
            return cls(str(told["key"]), *numbers, seen)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def told(self) -> dict[str, Any]:
        """The same as JSON."""
        return self._asdict() | {"seen": {name: list(one) for name, one in self.seen.items()}}


def _seen(column: Any, single: Any, average: Any, count: Any) -> Seen:
    known = None if average is None else float(average)
    return Seen(str(column), bool(single), known, _whole(count))


def _whole(number: Any) -> int:
    if not 0 <= int(number) < _MOST:
        raise ValueError(f"expected a number of steps. Received: {number!r}.")
    return int(number)


class Answer(NamedTuple):
    """What the browser is told.

    Attributes:
        drawn: "mark", and either the whole "figure" and what it is "of", or "new": what to put in
            the place of the points of each trace that were not settled, "upon" the mark that it
            goes on from.
        events: what stands on the axis; None where that has not changed.
    """

    drawn: dict[str, Any]
    events: tuple[Event, ...] | None


def follow(
    store: Store,
    run: str,
    view: HistoryView,
    scheme: Scheme,
    *,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
    told: Mapping[str, Any] | None = None,
) -> Answer:
    """What is new of the chart of a run since the mark that a browser tells, or the whole chart.

    Args:
        store: the database.
        run: the run.
        view: what to show of it.
        scheme: the colour scheme to draw for.
        zoom: the part that is looked at; None for the whole run.
        zone: of the time at which the run began.
        told: `Mark.told` of the last answer; None for the whole chart.
    """
    new = added(store, run, view, scheme, zoom=zoom, zone=zone, told=told)
    if new is not None:
        return Answer(new, None)
    history = read_history(store, run, view, zoom, zone)
    mark = _mark(history, zoom, scheme)
    of = {"view": view.to_query(), "scheme": scheme, "zoom": zoom and list(zoom)}
    whole = {"figure": history.figure(scheme), "settled": _settled(history, mark.seen), "of": of}
    return Answer({"mark": mark.told(), **whole}, history.events)


def added(
    store: Store,
    run: str,
    view: HistoryView,
    scheme: Scheme,
    *,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
    told: Mapping[str, Any] | None = None,
    pulse: Pulse | None = None,
) -> dict[str, Any] | None:
    """What is new of a chart since a mark, as `Answer.drawn`; None where it is to be drawn anew.

    Args:
        store: the database.
        run: the run.
        view: what is shown of it.
        scheme: the colour scheme that it is drawn for.
        zoom: the part that is looked at; None for the whole run.
        zone: of the time at which the run began.
        told: the mark that the browser tells.
        pulse: `Store.pulse` of the run, where that was read before.
    """
    before = Mark.of(told)
    if before is None:
        return None
    history = read_history(store, run, view, zoom, zone, since=before.since, pulse=pulse)
    if not _goes_on(history, zoom, scheme, before):
        return None
    mark = _mark(history, zoom, scheme, before)
    return {"upon": told, "mark": mark.told(), **_news(history, before)}


def _goes_on(history: History, zoom: Zoom | None, scheme: Scheme, mark: Mark) -> bool:
    """Whether what a browser has is as it would be drawn now, up to what is new."""
    if mark.key != _key(history, zoom, scheme):
        return False
    if not all(_drawn_alike(history, one) for one in mark.seen.values()):
        return False
    axis = history.axis
    length = abs(axis.place_of(max(history.last_step, 1)))
    return abs(axis.place_of(mark.since) - mark.place) <= _MOVED * length


def _drawn_alike(history: History, seen: Seen) -> bool:
    spans = history.batches.get(seen.column)
    return spans is not None and (spans.single or not seen.single)


def _news(history: History, mark: Mark) -> dict[str, Any]:
    points = history_points(history.epochs, history.batches, history.view, history.axis, mark.seen)
    late = mark.epoch - _LATE_EPOCHS
    steps = [row["step"] for row in history.epochs if row["epoch"] >= late]
    begin = history.axis.place_of(min(steps)) if steps else float("inf")
    new = {uid: _part(uid, one, begin) for uid, one in points.items()}
    settled = _settled(history, mark.seen)
    return {"new": {uid: one for uid, one in new.items() if one["x"]}, "settled": settled}


def _part(uid: str, points: Points, begin: float) -> dict[str, Any]:
    """The new points of a trace: all of its batches, and epochs from a place of the axis on."""
    if uid.split("-")[1] in (*_OF_BATCHES, LOST):
        return points._asdict()
    first = bisect_left(points.x, begin)
    return {"from": first, **{name: part[first:] for name, part in points._asdict().items()}}


def _settled(history: History, seen: Mapping[Measure, Seen]) -> dict[str, int]:
    """Of each measure how many of the spans told are settled."""
    spans = {measure: history.batches[one.column] for measure, one in seen.items()}
    return {name: int((one.first_step < one.settled).sum()) for name, one in spans.items()}


def _mark(history: History, zoom: Zoom | None, scheme: Scheme, before: Mark | None = None) -> Mark:
    since = min(spans.settled for spans in history.batches.values())
    return Mark(
        _key(history, zoom, scheme),
        since,
        max((row["epoch"] for row in history.epochs), default=-1),
        history.axis.place_of(since),
        seen_batches(history.batches, history.view, before and before.seen),
    )


def _key(history: History, zoom: Zoom | None, scheme: Scheme) -> str:
    sizes = sorted({spans.size for spans in history.batches.values()})
    shown = (history.run, history.view, history.resumed, history.axis.title, history.events)
    return f"{zlib.crc32(repr((*shown, zoom, scheme, sizes)).encode('utf-8', 'replace')):08x}"
