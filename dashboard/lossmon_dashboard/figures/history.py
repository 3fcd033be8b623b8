"""Loss above accuracy on one time axis: train and val, batch and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.added import LOST, Points, points_of
from lossmon_dashboard.figures.axis import STEPS, TimeAxis
from lossmon_dashboard.figures.bands import draw_bands
from lossmon_dashboard.figures.curves import Curve, HistoryInfo, Pane, get_history_info
from lossmon_dashboard.figures.events import Event, draw_events
from lossmon_dashboard.figures.history_view import HistoryView, Measure, Value, batch_column
from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost
from lossmon_dashboard.figures.panes import EPOCH, empty_pane, stacked_panes, steady_range
from lossmon_dashboard.figures.spanned import BAND, Spanned, SpansOfBatches, draw_band, one_span
from lossmon_dashboard.theme import Scheme, split_colour

Row = Mapping[str, Any]

MOST_MARKS = 50
"""Of so many epochs that are shown at once each is marked; of more, every second, third, …"""
_DASH: dict[Value, str] = {"recomputed": "solid", "own": "dashdot", "reported": "dot"}


def plot_history(
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    scheme: Scheme = "light",
    *,
    events: Sequence[Event] = (),
    axis: TimeAxis = STEPS,
) -> go.Figure:
    """Loss and, where there is one, accuracy over the training of a run.

    Args:
        epochs: epoch rows of one output.
        batches: columns of training batches of the same output, as `Store.batch_spans` gives them.
        view: what to show.
        scheme: the colour scheme to draw for.
        events: findings and episodes, told in a lane above the curves; episodes are shaded.
        axis: what the common axis counts, see `view.axis`.
    """
    return go.Figure(history_json(epochs, batches, view, scheme, events=events, axis=axis))


def history_json(
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    scheme: Scheme = "light",
    *,
    events: Sequence[Event] = (),
    axis: TimeAxis = STEPS,
) -> dict[str, Any]:
    """The same as browsers take it: to check each value is most of what a figure takes plotly.

    Returns:
        "data" and "layout", which is shared: for reading alone.
    """
    info = get_history_info(epochs, batches, view, axis)
    if not info.panes:
        words = "No batch is done: the first values appear here as soon as one is."
        return empty_pane(words, scheme).to_plotly_json()
    # Where nothing stands on it, what an axis looks like does not change as it grows.
    frame_axis = axis if events else TimeAxis(axis.name, axis.title)
    frame = _frame(_without_values(info), scheme, frame_axis, tuple(events))
    points = points_of(info)
    data = [{**trace, **_shown(points.get(trace.get("uid")))} for trace in frame["data"]]
    layout = dict(frame["layout"])
    for row, pane in enumerate(info.panes, start=1 + bool(events)):
        steady = steady_range(y for curve in pane.curves for y in curve.line.y)
        name = f"yaxis{row if row > 1 else ''}"
        layout[name] = {**layout[name], **({} if steady is None else {"range": steady})}
    return {"data": data, "layout": layout}


def _shown(points: Points | None) -> dict[str, Any]:
    if points is None:
        return {}
    return {name: values for name, values in points._asdict().items() if len(values)}


def _without_values(info: HistoryInfo) -> HistoryInfo:
    """What a chart looks like, whatever its values."""
    return info._replace(panes=tuple(map(_empty, info.panes)))


def _empty(pane: Pane) -> Pane:
    lost = ((0.0, ""),) if any(curve.line.lost for curve in pane.curves) else ()
    curves = tuple(
        curve._replace(line=Line(curve.line.name, (), (), (), lost)) for curve in pane.curves
    )
    spanned = pane.spanned and Spanned(curves[0].line, pane.spanned.band and ((), ()))
    return Pane(pane.title, spanned, curves)


def prepare_frames() -> None:
    """Make what the usual charts look like, of which plotly takes longest, before one is drawn."""
    rows = [{"epoch": 0, "split": split, "step": 0} for split in get_args(Split)]
    ended = [{**row, "recomputed_loss": 0.0, "recomputed_accuracy": 0.0} for row in rows]
    view = HistoryView()
    for size in (1, 2):
        spans = one_span(size)
        batches = {batch_column(measure, view): spans for measure in get_args(Measure)}
        for epochs in ((), ended):
            for scheme in get_args(Scheme):
                axis = TimeAxis("epoch", EPOCH) if epochs else STEPS
                history_json(epochs, batches, view, scheme, axis=axis)


@lru_cache(maxsize=64)
def _frame(
    info: HistoryInfo, scheme: Scheme, axis: TimeAxis, events: tuple[Event, ...]
) -> dict[str, Any]:
    figure = _get_history_plot(info, scheme, axis, lane=bool(events))
    spans = [axis.places_of([e.first or 0, e.last]) for e in events if e.last is not None]
    draw_bands(figure, "loss and accuracy part ways", [(one, two) for one, two in spans], scheme)
    if events:
        draw_events(figure, events, scheme, axis)
    return figure.to_plotly_json()


def _get_history_plot(
    info: HistoryInfo, scheme: Scheme, axis: TimeAxis, *, lane: bool
) -> go.Figure:
    titles = [pane.title for pane in info.panes]
    figure = stacked_panes(titles, axis.title, scheme, lane=lane, pointer=axis.pointer)
    legend: set[str] = set()
    for row, pane in enumerate(info.panes, start=1 + lane):
        if pane.spanned is not None and pane.spanned.band is not None:
            band = draw_band(pane.spanned, split_colour("train", scheme))
            for edge, trace in zip(("low", "high"), band, strict=True):
                trace.showlegend = trace.showlegend and BAND not in legend
                trace.uid = f"{pane.title}-{edge}"
                figure.add_trace(trace, row=row, col=1)
            legend.add(BAND)
        for curve in pane.curves:
            first = curve.line.name not in legend
            trace = _trace(curve, scheme, showlegend=first).update(uid=f"{pane.title}-{curve.part}")
            figure.add_trace(trace, row=row, col=1)
            legend.add(curve.line.name)
        lost = draw_lost((curve.line for curve in pane.curves), scheme)
        if lost is not None:
            lost.update(uid=f"{pane.title}-{LOST}", showlegend=LOST not in legend)
            legend.add(LOST)
            figure.add_trace(lost, row=row, col=1)
    if info.log and info.panes[0].title == "loss":
        figure.update_yaxes(type="log", row=1 + lane, col=1)
    return figure.update_layout(meta={"axis": axis.name})


def _trace(curve: Curve, scheme: Scheme, *, showlegend: bool) -> go.Scatter:
    colour = split_colour(curve.split, scheme)
    style: dict[str, Any] = {"legendgroup": curve.line.name, "showlegend": showlegend}
    if curve.kind == "batch":
        return draw_line(curve.line, line={"color": colour, "width": 1}, opacity=0.4, **style)
    if curve.kind == "smooth":
        return draw_line(curve.line, line={"color": colour, "width": 2.5}, opacity=0.85, **style)
    if curve.kind == "intended":
        return draw_line(curve.line, line={"color": colour, "width": 2, "dash": "dot"}, **style)
    return draw_line(
        curve.line,
        mode="lines+markers",
        line={"color": colour, "width": 2.25, "dash": _DASH[curve.kind]},
        marker={
            "symbol": "circle" if curve.split == "train" else "diamond",
            "size": 6,
            "maxdisplayed": MOST_MARKS,
        },
        **style,
    )
