"""What the chart of loss and accuracy is drawn from, read as finely as it is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple, get_args

from lossmon.analysis import Divergence
from lossmon.store import Pulse, Store
from lossmon_dashboard import figures
from lossmon_dashboard.clock import moment
from lossmon_dashboard.components.events import events_of
from lossmon_dashboard.figures.axis import (
    AXIS_COLUMNS,
    STEPS,
    TimeAxis,
    clock_axis,
    epoch_axis,
    sample_axis,
)
from lossmon_dashboard.figures.events import Event
from lossmon_dashboard.figures.history import history_json
from lossmon_dashboard.figures.history_view import HistoryView, Measure, batch_column
from lossmon_dashboard.figures.spanned import SAMPLES, SpansOfBatches
from lossmon_dashboard.run_tabs.episodes import explained
from lossmon_dashboard.theme import Scheme

Row = Mapping[str, Any]

_TIMES = 300
_LAST_STEP = 2**62
_COLUMNS = tuple(dict.fromkeys((*AXIS_COLUMNS, *figures.HISTORY_COLUMNS)))


class Zoom(NamedTuple):
    """The part of an axis that the reader has zoomed to."""

    axis: str
    first: float
    last: float

    @classmethod
    def of(cls, told: Sequence[Any] | None) -> Zoom | None:
        """What the browser tells; None where the whole run is shown."""
        return None if told is None else cls(told[0], *sorted(told[1:]))


class History(NamedTuple):
    """The chart of a run, read but not drawn.

    Attributes:
        run: the run.
        view: what is shown.
        axis: what the common axis counts.
        epochs: epoch rows of what is shown.
        batches: columns of its batches.
        events: findings and episodes of the whole run; none where what is new was read.
        resumed: how often its training was resumed.
        last_step: the last step so far.
    """

    run: str
    view: HistoryView
    axis: TimeAxis
    epochs: Sequence[Row]
    batches: SpansOfBatches
    events: tuple[Event, ...]
    resumed: int
    last_step: int

    def figure(self, scheme: Scheme) -> dict[str, Any]:
        """The chart; zoom is kept while run, output, axis and scale stay the same."""
        figure = history_json(
            self.epochs,
            self.batches,
            self.view,
            scheme,
            events=self.events,
            axis=self.axis,
        )
        kept = (self.run, self.view.output, self.view.log, self.axis.name)
        layout = {**figure["layout"], "uirevision": "/".join(map(str, kept))}
        return {**figure, "layout": layout}


class Since(NamedTuple):
    """From where on a chart is to be told what is new.

    Attributes:
        step: the first step whose batches are wanted.
        before: how many batches come before them, see `Store.batch_spans`.
        late: the first step at which an epoch may have ended that is not there.
        columns: which of the batches.
    """

    step: int
    before: int | None
    late: int
    columns: tuple[str, ...]


def read_history(
    store: Store,
    run: str,
    view: HistoryView,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
    *,
    pulse: Pulse | None = None,
) -> History:
    """Read what the chart of a run shows.

    Args:
        store: the database.
        run: the run.
        view: what to show of it.
        zoom: only what is near is then read, and more finely; None for the whole run.
        zone: of the time at which the run began.
        pulse: `Store.pulse` of the run, where that was read before.
    """
    now = store.pulse(run) if pulse is None else pulse
    summary, rows, _ = _but_batches(store, run, view.output, now.token)
    axis = _axis(store, {**summary, "step": now.step}, rows, view, zone)
    steps = steps_around(zoom, axis)
    columns = {batch_column(measure, view) for measure in get_args(Measure)}
    columns |= {"loss", "accuracy", SAMPLES}
    return History(
        now.run or run,
        view,
        axis,
        rows
        if steps is None
        else store.epoch_rows(run, output=view.output, columns=_COLUMNS, step_range=steps),
        store.batch_spans(
            run, sorted(columns), split="train", output=view.output, step_range=steps
        ),
        read_events(store, run, view, now),
        now.resumed,
        now.step or 0,
    )


def read_events(store: Store, run: str, view: HistoryView, pulse: Pulse) -> tuple[Event, ...]:
    """Read the findings and episodes that stand on the chart of a run."""
    summary, rows, episodes = _but_batches(store, run, view.output, pulse.token)
    ends = {row["epoch"]: row["step"] for row in rows}
    return tuple(events_of(summary["findings"], episodes, ends, view.output))


def read_news(
    store: Store,
    view: HistoryView,
    since: Since,
    pulse: Pulse,
    *,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
) -> History:
    """Read what is new of a chart: few rows, however many batches and epochs the run has.

    Args:
        store: the database.
        view: what is shown.
        since: from where on.
        pulse: `Store.pulse` of the run.
        zoom: the part that is looked at; None for the whole run.
        zone: of the time at which the run began.
    """
    run = pulse.run or ""
    if view.axis in ("epoch", "step"):
        rows = _late_epochs(store, run, view.output, since.late, pulse.token)
        summary: Row = {} if rows else _summary(store, run, pulse.token)
    else:
        summary, rows, _ = _but_batches(store, run, view.output, pulse.token)
    axis = _axis(store, {**summary, "step": pulse.step}, rows, view, zone)
    steps = steps_around(zoom, axis)
    spans = store.batch_spans(
        run,
        (*since.columns, SAMPLES),
        split="train",
        output=view.output,
        step_range=steps,
        since=since.step,
        before=since.before,
    )
    if steps is not None:
        beyond = min((row["step"] for row in rows if row["step"] > steps[1]), default=steps[1])
        rows = [row for row in rows if row["step"] <= beyond]
    return History(run, view, axis, rows, spans, (), pulse.resumed, pulse.step or 0)


@lru_cache(maxsize=32)
def _summary(store: Store, run: str, _news: str) -> Row:
    """Kept until there is news of the run."""
    return store.run_summary(run)


@lru_cache(maxsize=32)
def _late_epochs(
    store: Store, run: str, output: str | None, since: int, _news: str
) -> Sequence[Row]:
    """The epochs that end from a step on, and one before them, which tells how long they are."""
    late = (since, _LAST_STEP)
    return store.epoch_rows(run, output=output, columns=_COLUMNS, step_range=late)


@lru_cache(maxsize=32)
def _but_batches(
    store: Store, run: str, output: str | None, _news: str
) -> tuple[Row, Sequence[Row], tuple[Divergence, ...]]:
    """Summary, epochs and episodes of a run: kept likewise."""
    rows = store.epoch_rows(run, output=output, columns=_COLUMNS)
    return _summary(store, run, _news), rows, explained(store, run)


def _axis(
    store: Store, summary: Row, epochs: Sequence[Row], view: HistoryView, zone: tzinfo
) -> TimeAxis:
    if view.axis == "step":
        return STEPS
    if view.axis == "epoch":
        length = _steps_an_epoch(summary, epochs)
        # How far a first epoch has come cannot be told while nobody knows how long it is.
        return STEPS if length is None else epoch_axis(epochs, length)
    name = "time" if view.axis == "time" else "n"
    spans = store.batch_spans(
        summary["id"], [name], split="train", output=view.output, most=_TIMES
    )[name]
    if view.axis == "samples":
        return sample_axis(epochs, float(spans.mean[-1]) if len(spans.mean) else None)
    middles = ((spans.first_step + spans.last_step) / 2).tolist()
    times = dict(zip(middles, spans.mean.tolist(), strict=True))
    times |= {row["step"]: row["time"] for row in epochs if row["split"] == "train"}
    started = datetime.fromisoformat(summary["started"]).timestamp()
    when = moment(summary["started"], zone)
    return clock_axis(sorted(times.items()), started, when)


def _steps_an_epoch(summary: Row, epochs: Sequence[Row]) -> float | None:
    """What the last epoch took; of the first one as planned, if that is known."""
    ends = sorted({row["step"] for row in epochs if row["split"] == "train"})
    if ends:
        return ends[-1] - (ends[-2] if len(ends) > 1 else -1)
    planned, steps = summary.get("epochs_planned"), summary.get("steps_planned")
    return steps / planned if planned and steps else None


def steps_around(zoom: Zoom | None, axis: TimeAxis = STEPS) -> tuple[int, int] | None:
    """The steps of a zoom, and half as many on both sides, so that lines go on beyond the edge."""
    if zoom is None or zoom.axis != axis.name:
        return None
    first, last = axis.step_of(zoom.first), axis.step_of(zoom.last)
    room = (last - first) / 2
    return max(0, math.floor(first - room)), max(0, math.ceil(last + room))
