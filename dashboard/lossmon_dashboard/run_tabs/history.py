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
from lossmon_dashboard.figures.spanned import SpansOfBatches
from lossmon_dashboard.run_tabs.episodes import explained
from lossmon_dashboard.theme import Scheme

Row = Mapping[str, Any]

_TIMES = 300
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
        events: findings and episodes of the whole run.
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


def read_history(
    store: Store,
    run: str,
    view: HistoryView,
    zoom: Zoom | None = None,
    zone: tzinfo = UTC,
    *,
    since: int | None = None,
    pulse: Pulse | None = None,
) -> History:
    """Read what the chart of a run shows.

    Args:
        store: the database.
        run: the run.
        view: what to show of it.
        zoom: only what is near is then read, and more finely; None for the whole run.
        zone: of the time at which the run began.
        since: only the batches from this step on, see `Store.batch_spans`; None for all.
        pulse: `Store.pulse` of the run, where that was read before.
    """
    now = store.pulse(run) if pulse is None else pulse
    summary, rows, episodes = _but_batches(store, run, view.output, now.token)
    axis = _axis(store, {**summary, "step": now.step}, rows, view, zone)
    steps = steps_around(zoom, axis)
    columns = {batch_column(measure, view) for measure in get_args(Measure)} | {"loss", "accuracy"}
    ends = {row["epoch"]: row["step"] for row in rows}
    return History(
        run,
        view,
        axis,
        rows
        if steps is None
        else store.epoch_rows(run, output=view.output, columns=_COLUMNS, step_range=steps),
        store.batch_spans(
            run, sorted(columns), split="train", output=view.output, step_range=steps, since=since
        ),
        tuple(events_of(summary["findings"], episodes, ends, view.output)),
        len(summary["resumes"]),
        now.step or 0,
    )


@lru_cache(maxsize=32)
def _but_batches(
    store: Store, run: str, output: str | None, _news: str
) -> tuple[Row, Sequence[Row], tuple[Divergence, ...]]:
    """Summary, epochs and episodes of a run: kept until there is news of it."""
    rows = store.epoch_rows(run, output=output, columns=_COLUMNS)
    return store.run_summary(run), rows, explained(store, run)


def _axis(
    store: Store, summary: Row, epochs: Sequence[Row], view: HistoryView, zone: tzinfo
) -> TimeAxis:
    if view.axis == "step":
        return STEPS
    if view.axis == "epoch":
        return epoch_axis(epochs, _steps_an_epoch(summary, epochs))
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
    """What the last epoch took; of the first one as planned, or else what was done so far.

    The latter rounded up to a power of two: else all places would move with each batch.
    """
    ends = sorted({row["step"] for row in epochs if row["split"] == "train"})
    if ends:
        return ends[-1] - (ends[-2] if len(ends) > 1 else -1)
    planned, steps = summary["epochs_planned"], summary["steps_planned"]
    if planned and steps:
        return steps / planned
    return None if summary["step"] is None else 2.0 ** (summary["step"] + 1).bit_length()


def steps_around(zoom: Zoom | None, axis: TimeAxis = STEPS) -> tuple[int, int] | None:
    """The steps of a zoom, and half as many on both sides, so that lines go on beyond the edge."""
    if zoom is None or zoom.axis != axis.name:
        return None
    first, last = axis.step_of(zoom.first), axis.step_of(zoom.last)
    room = (last - first) / 2
    return max(0, math.floor(first - room)), max(0, math.ceil(last + room))
