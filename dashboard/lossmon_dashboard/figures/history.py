"""Loss above accuracy on one time axis: train and val, batch and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from lossmon_dashboard.figures.added import LOST
from lossmon_dashboard.figures.axis import STEPS, TimeAxis
from lossmon_dashboard.figures.bands import draw_bands
from lossmon_dashboard.figures.curves import Curve, HistoryInfo, get_history_info
from lossmon_dashboard.figures.events import Event, draw_events
from lossmon_dashboard.figures.history_view import HistoryView, Value
from lossmon_dashboard.figures.lines import draw_line, draw_lost
from lossmon_dashboard.figures.panes import empty_pane, stacked_panes, steady_range
from lossmon_dashboard.figures.spanned import BAND, SpansOfBatches, draw_band
from lossmon_dashboard.theme import Scheme, split_colour

Row = Mapping[str, Any]

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
    info = get_history_info(epochs, batches, view, axis)
    if not info.panes:
        return empty_pane("The first values appear here as soon as a batch is done.", scheme)
    figure = _get_history_plot(info, scheme, axis, lane=bool(events))
    spans = [axis.places_of([e.first or 0, e.last]) for e in events if e.last is not None]
    draw_bands(figure, "loss and accuracy part ways", [(one, two) for one, two in spans], scheme)
    return draw_events(figure, events, scheme, axis) if events else figure


def _get_history_plot(
    info: HistoryInfo, scheme: Scheme, axis: TimeAxis, *, lane: bool
) -> go.Figure:
    figure = stacked_panes([pane.title for pane in info.panes], axis.title, scheme, lane=lane)
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
        values = (y for curve in pane.curves for y in curve.line.y)
        figure.update_yaxes(range=steady_range(values), row=row)
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
        marker={"symbol": "circle" if curve.split == "train" else "diamond", "size": 6},
        **style,
    )
