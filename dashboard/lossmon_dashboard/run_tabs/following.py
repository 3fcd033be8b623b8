"""What the chart of a run that is followed is told: what is new of it, or all where need be.

The browser says by a mark what it has. The mark holds all that the next answer goes on from, so
that the server keeps nothing of those who look, and any server may answer.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, get_args

from lossmon.records import Split
from lossmon.store import Pulse, Store
from lossmon_dashboard.figures.added import LOST, Points, history_points, seen_so_far
from lossmon_dashboard.figures.curves import Seen
from lossmon_dashboard.figures.events import Event
from lossmon_dashboard.figures.history_view import HistoryView, Measure, batch_column
from lossmon_dashboard.figures.spanned import full_batch
from lossmon_dashboard.run_tabs.history import (
    History,
    Since,
    Zoom,
    read_events,
    read_history,
    read_news,
)
from lossmon_dashboard.theme import Scheme

_LATE_EPOCHS = 1
"""So many epochs before the last are told again: parts of an epoch may come after its first row."""
_MOVED = 5e-4
"""The share of the axis, about half a pixel, beyond which places that have moved are drawn anew."""
_MOST = 2**53
_OF_BATCHES = ("batch", "smooth", "low", "high")


class Mark(NamedTuple):
    """What a browser has of a chart.

    Attributes:
        key: of what it shows, and how finely.
        events: of what stands on it.
        since: the first step of which it must be told again.
        before: how many batches come before that; None where that has to be asked.
        late: the step from which on it must be told again of epochs.
        place: where on the axis it has `since`.
        seen: how it has drawn the batches of each measure.
    """

    key: str
    events: str
    since: int
    before: int | None
    late: int
    place: float
    seen: Mapping[Measure, Seen]

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> Mark | None:
        """What the browser tells; None where it has nothing, or nothing that makes sense."""
        if told is None:
            return None
        try:
            return cls(
                str(told["key"]),
                str(told["events"]),
                _whole(told["since"]),
                None if told["before"] is None else _whole(told["before"]),
                _whole(told["late"]),
                float(told["place"]),
                {measure: _seen(*told["seen"][measure]) for measure in get_args(Measure)},
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def told(self) -> dict[str, Any]:
        """The same as JSON."""
        seen = {name: [*one[:-1], ",".join(one.verified)] for name, one in self.seen.items()}
        return self._asdict() | {"seen": seen}


def _seen(column: Any, single: Any, average: Any, count: Any, full: Any, verified: Any) -> Seen:  # noqa: PLR0917 - as the browser tells them
    known, samples = (None if one is None else float(one) for one in (average, full))
    splits = tuple(split for split in get_args(Split) if split in str(verified).split(","))
    return Seen(str(column), bool(single), known, _amount(count), samples, splits)


def _amount(number: Any) -> float:
    if not 0 <= float(number) < _MOST:
        raise ValueError(f"expected a number of batches. Received: {number!r}.")
    return float(number)


def _whole(number: Any) -> int:
    if not 0 <= int(number) < _MOST:
        raise ValueError(f"expected a number of steps. Received: {number!r}.")
    return int(number)


class Answer(NamedTuple):
    """What the browser is told.

    Attributes:
        drawn: the whole "figure", its "mark", what it is "of", and how many spans are "settled".
        events: what stands on the axis.
    """

    drawn: dict[str, Any]
    events: tuple[Event, ...]


def follow(
    store: Store,
    run: str,
    view: HistoryView,
    scheme: Scheme,
    *,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
    pulse: Pulse | None = None,
) -> Answer:
    """The chart of a run, to be told from then on what is new of it.

    Args:
        store: the database.
        run: the run.
        view: what to show of it.
        scheme: the colour scheme to draw for.
        zoom: the part that is looked at; None for the whole run.
        zone: of the time at which the run began.
        pulse: `Store.pulse` of the run, where that was read before.
    """
    history = read_history(store, run, view, zoom, zone, pulse=pulse)
    mark = _mark(history, zoom, scheme)
    of = {"view": view.to_query(), "scheme": scheme, "zoom": zoom and list(zoom)}
    whole = {"figure": history.figure(scheme), "settled": _settled(history, mark.seen), "of": of}
    return Answer({"mark": mark.told(), "step": history.last_step, **whole}, history.events)


def added(
    store: Store,
    view: HistoryView,
    scheme: Scheme,
    told: Mapping[str, Any] | None,
    pulse: Pulse,
    *,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
) -> dict[str, Any] | None:
    """What is new of a chart since a mark; None where it is to be drawn anew.

    Whether other events stand on it is not looked at: see `is_marked_alike`.

    Args:
        store: the database.
        view: what is shown of it.
        scheme: the colour scheme that it is drawn for.
        told: the mark that the browser tells.
        pulse: `Store.pulse` of the run.
        zoom: the part that is looked at; None for the whole run.
        zone: of the time at which the run began.

    Returns:
        "mark", and "new": what to put in the place of the points of each trace that were not
        settled, or, of epochs, from the place "late" on.
    """
    before = Mark.of(told)
    if before is None or not _shows(before, view):
        return None
    columns = tuple(sorted({one.column for one in before.seen.values()}))
    since = Since(before.since, before.before, before.late, columns)
    history = read_news(store, view, since, pulse, zoom=zoom, zone=zone)
    if not _goes_on(history, zoom, scheme, before):
        return None
    mark = _mark(history, zoom, scheme, before)
    return {"mark": mark.told(), **_news(history, before)}


def is_marked_alike(
    store: Store, run: str, view: HistoryView, told: Mapping[str, Any], pulse: Pulse
) -> bool:
    """Whether the events that stand on a chart are those that would be drawn now."""
    mark = Mark.of(told)
    return mark is not None and mark.events == _of_events(read_events(store, run, view, pulse))


def _shows(mark: Mark, view: HistoryView) -> bool:
    """Whether its columns are those that a view may show."""
    return all(
        one.column in (batch_column(measure, view), measure) for measure, one in mark.seen.items()
    )


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
    if spans is None or (seen.single and not spans.single):
        return False
    full = full_batch(history.batches)
    return full is None or (seen.full is not None and full <= seen.full)


def _news(history: History, mark: Mark) -> dict[str, Any]:
    points = history_points(history.epochs, history.batches, history.view, history.axis, mark.seen)
    late = history.axis.place_of(mark.late - 0.5)
    new = {uid: _part(uid, one, late) for uid, one in points.items()}
    settled = _settled(history, mark.seen)
    told = {uid: one for uid, one in new.items() if one["x"]}
    return {"new": told, "settled": settled, "late": late}


def _part(uid: str, points: Points, late: float) -> dict[str, Any]:
    """The new points of a trace: all of its batches, and epochs from a place of the axis on."""
    if uid.split("-")[1] in (*_OF_BATCHES, LOST):
        return points._asdict()
    first = bisect_left(points.x, late)
    return {name: part[first:] for name, part in points._asdict().items()}


def _settled(history: History, seen: Mapping[Measure, Seen]) -> dict[str, int]:
    """Of each measure how many of the spans told are settled."""
    spans = {measure: history.batches[one.column] for measure, one in seen.items()}
    return {name: int((one.first_step < one.settled).sum()) for name, one in spans.items()}


def _mark(history: History, zoom: Zoom | None, scheme: Scheme, before: Mark | None = None) -> Mark:
    spans = min(history.batches.values(), key=lambda one: one.settled)
    last = max((row["epoch"] for row in history.epochs), default=0)
    late = [row["step"] for row in history.epochs if row["epoch"] >= last - _LATE_EPOCHS]
    return Mark(
        _key(history, zoom, scheme),
        before.events if before else _of_events(history.events),
        spans.settled,
        spans.before,
        min(late, default=before.late if before else 0),
        history.axis.place_of(spans.settled),
        seen_so_far(history.epochs, history.batches, history.view, before and before.seen),
    )


def _key(history: History, zoom: Zoom | None, scheme: Scheme) -> str:
    sizes = sorted({spans.size for spans in history.batches.values()})
    return _sum(
        (history.run, history.view, history.resumed, history.axis.title, zoom, scheme, sizes)
    )


def _of_events(events: Sequence[Event]) -> str:
    return _sum(tuple(events))


def _sum(shown: tuple[Any, ...]) -> str:
    return f"{zlib.crc32(repr(shown).encode('utf-8', 'replace')):08x}"
