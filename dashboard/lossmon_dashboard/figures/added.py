"""What is added to the chart of a run that goes on, by the `uid` of its traces.

That is part of names in style sheets: letters and dashes alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from lossmon_dashboard.figures.axis import TimeAxis
from lossmon_dashboard.figures.curves import (
    HistoryInfo,
    Seen,
    drawn_batches,
    get_history_info,
    verified_splits,
)
from lossmon_dashboard.figures.history_view import HistoryView, Measure
from lossmon_dashboard.figures.lines import lost_points, top_of
from lossmon_dashboard.figures.spanned import Filling, SpansOfBatches, moving_average

Row = Mapping[str, Any]
LOST = "lost"


class Points(NamedTuple):
    """What a trace shows: places, values, and what is said of each."""

    x: Sequence[float]
    y: Sequence[float | None]
    text: Sequence[str] = ()


def seen_so_far(
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    before: Mapping[Measure, Seen] | None = None,
) -> dict[Measure, Seen]:
    """How epochs and batches are drawn up to where spans of the latter are settled.

    Args:
        epochs: epoch rows.
        batches: columns of training batches.
        view: what is shown.
        before: the same of what came before them; None where they are all.
    """
    if before is None:
        before = {measure: drawn_batches(measure, batches, view) for measure in get_args(Measure)}
    found: dict[Measure, Seen] = {}
    for measure, one in before.items():
        verified = tuple(sorted({*one.verified, *verified_splits(epochs, measure)}))
        found[measure] = _seen(batches, view, one._replace(verified=verified))
    return found


def _seen(batches: SpansOfBatches, view: HistoryView, before: Seen) -> Seen:
    spans = batches[before.column]
    settled = int((spans.first_step < spans.settled).sum())
    if not settled or not view.smooth:
        return before
    filling = Filling.of(spans, batches, before.full)
    averages = moving_average(spans, filling, view.smooth, (before.average, before.averaged))
    average = averages[settled - 1]
    known = float(average) if math.isfinite(average) else None
    averaged = before.averaged + float((spans.count * filling.shares)[:settled].sum())
    return before._replace(average=known, averaged=averaged)


def history_points(
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    axis: TimeAxis,
    seen: Mapping[Measure, Seen],
) -> dict[str, Points]:
    """What the traces of the chart show of some epochs and batches, by the `uid` of the trace.

    Args:
        epochs: as for `plot_history`.
        batches: some that come after others.
        view: what is shown.
        axis: what the common axis counts.
        seen: how those others are drawn.
    """
    return points_of(get_history_info(epochs, batches, view, axis, seen))


def points_of(info: HistoryInfo) -> dict[str, Points]:
    """What is drawn, by the `uid` of the trace."""
    found: dict[str, Points] = {}
    for pane in info.panes:
        for curve in pane.curves:
            line = curve.line
            found[f"{pane.title}-{curve.part}"] = Points(line.x, line.y, line.hover)
        if pane.spanned is not None and pane.spanned.band is not None:
            for edge, values in zip(("low", "high"), pane.spanned.band, strict=True):
                found[f"{pane.title}-{edge}"] = Points(pane.spanned.line.x, values)
        lost = lost_points(curve.line for curve in pane.curves)
        if lost:
            places, kinds = zip(*lost, strict=True)
            tops = [top_of(curve.line for curve in pane.curves)] * len(places)
            found[f"{pane.title}-{LOST}"] = Points(places, tops, kinds)
    return found
