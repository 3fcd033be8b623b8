"""Loss above accuracy on one time axis: train and val, batch and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.axis import STEPS, AxisName, TimeAxis
from lossmon_dashboard.figures.bands import draw_bands
from lossmon_dashboard.figures.events import Event, draw_events
from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost, epoch_line
from lossmon_dashboard.figures.panes import empty_pane, stacked_panes, steady_range
from lossmon_dashboard.figures.spanned import (
    BAND,
    Spanned,
    SpansOfBatches,
    draw_band,
    smoothed_line,
    spanned_line,
)
from lossmon_dashboard.theme import Scheme, split_colour

Detail = Literal["both", "epochs", "batches"]
Value = Literal["recomputed", "own", "reported", "all"]
Measure = Literal["loss", "accuracy"]
Row = Mapping[str, Any]

_PREFIX: dict[Value, str] = {"recomputed": "recomputed_", "own": "", "reported": "reported_"}
_SUFFIX: dict[Value, str] = {
    "recomputed": "",
    "own": " as Keras computed",
    "reported": " as printed",
}
_DASH: dict[Value, str] = {"recomputed": "solid", "own": "dashdot", "reported": "dot"}

_LOST = "lost"
SMOOTHING = (0, 10, 50, 200)
"""Over how many batches curves may be averaged; 0 for not at all."""
HISTORY_COLUMNS = (
    *("epoch", "split", "step"),
    *(prefix + measure for prefix in _PREFIX.values() for measure in get_args(Measure)),
    "intended_accuracy",
)
"""The columns of epoch rows that the chart shows."""


class HistoryView(NamedTuple):
    """What the reader chose to see.

    Attributes:
        detail: epochs, batches or both.
        value: the recomputed value, Keras' own of the same span, the one it printed, or all three.
        log: logarithmic loss axis.
        output: name of the output; None for the model as a whole.
        axis: what the common axis counts.
        smooth: over about how many batches their curve is averaged; 0 for not at all.
    """

    detail: Detail = "both"
    value: Value = "recomputed"
    log: bool = False
    output: str | None = None
    axis: AxisName = "step"
    smooth: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> HistoryView:
        """Read a view from an address; what is not understood is the default.

        Args:
            query: the parameters of the address.
        """
        details: dict[str | None, Detail] = {word: word for word in get_args(Detail)}
        values: dict[str | None, Value] = {word: word for word in get_args(Value)}
        axes: dict[str | None, AxisName] = {word: word for word in get_args(AxisName)}
        smoothing: dict[str | None, int] = {str(span): span for span in SMOOTHING}
        return cls(
            detail=details.get(query.get("detail"), "both"),
            value=values.get(query.get("value"), "recomputed"),
            log=query.get("scale") == "log",
            output=query.get("output"),
            axis=axes.get(query.get("axis"), "step"),
            smooth=smoothing.get(query.get("smooth"), 0),
        )


class _Curve(NamedTuple):
    line: Line
    split: Split
    kind: Literal["batch", "smooth", "recomputed", "own", "reported", "intended"]


class _Pane(NamedTuple):
    title: Measure
    spanned: Spanned | None
    curves: tuple[_Curve, ...]


class _HistoryInfo(NamedTuple):
    panes: tuple[_Pane, ...]
    log: bool


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
    info = _get_history_info(epochs, batches, view, axis)
    if not info.panes:
        return empty_pane("The first values appear here as soon as a batch is done.", scheme)
    figure = _get_history_plot(info, scheme, axis, lane=bool(events))
    spans = [axis.places_of([e.first or 0, e.last]) for e in events if e.last is not None]
    draw_bands(figure, "loss and accuracy part ways", [(one, two) for one, two in spans], scheme)
    return draw_events(figure, events, scheme, axis) if events else figure


def batch_column(measure: Measure, view: HistoryView) -> str:
    """The column of the batch rows that a view shows, e.g. `recomputed_loss`."""
    return _PREFIX.get(view.value, "recomputed_") + measure


def _get_history_info(
    epochs: Sequence[Row], batches: SpansOfBatches, view: HistoryView, axis: TimeAxis
) -> _HistoryInfo:
    panes = (_pane(measure, epochs, batches, view, axis) for measure in get_args(Measure))
    return _HistoryInfo(tuple(pane for pane in panes if pane.curves), view.log)


def _pane(
    measure: Measure,
    epochs: Sequence[Row],
    batches: SpansOfBatches,
    view: HistoryView,
    axis: TimeAxis,
) -> _Pane:
    spanned, curves = None, list[_Curve]()
    if view.detail != "epochs":
        found = batches[batch_column(measure, view)]
        spans = found if len(found.mean) else batches[measure]
        if len(spans.mean):
            spanned = spanned_line(spans, axis)
            curves.append(_Curve(spanned.line, "train", "batch"))
        if len(spans.mean) and view.smooth:
            curves.append(_Curve(smoothed_line(spans, axis, view.smooth), "train", "smooth"))
    return _Pane(measure, spanned, (*curves, *_epoch_curves(epochs, measure, view, axis)))


def _epoch_curves(
    epochs: Sequence[Row], measure: Measure, view: HistoryView, axis: TimeAxis
) -> list[_Curve]:
    if view.detail == "batches":
        return []
    curves: list[_Curve] = []
    for split in get_args(Split):
        of = [row for row in epochs if row["split"] == split]
        places = axis.places_of([row["step"] for row in of])
        rows = [{**row, "place": place} for row, place in zip(of, places, strict=True)]
        for value in _values(view.value):
            curves.append(_value_curve(rows, measure, split, value))
        if measure == "accuracy":
            line = _line(f"{split}, as intended", rows, "intended_accuracy")
            curves.append(_Curve(line, split, "intended"))
    return [curve for curve in curves if curve.line.x]


def _values(chosen: Value) -> tuple[Literal["recomputed", "own", "reported"], ...]:
    return ("reported", "own", "recomputed") if chosen == "all" else (chosen,)


def _value_curve(
    rows: Sequence[Row],
    measure: Measure,
    split: Split,
    value: Literal["recomputed", "own", "reported"],
) -> _Curve:
    column = _PREFIX[value] + measure
    if value == "recomputed" and not _known(rows, column):
        name = f"{split}{_SUFFIX['own']} (not verified)"
        return _Curve(_line(name, rows, measure), split, "own")
    return _Curve(_line(split + _SUFFIX[value], rows, column), split, value)


def _line(name: str, rows: Sequence[Row], column: str) -> Line:
    return epoch_line(name, rows, column, axis="place")


def _known(rows: Sequence[Row], column: str) -> bool:
    return any(row.get(column) is not None for row in rows)


def _get_history_plot(
    info: _HistoryInfo, scheme: Scheme, axis: TimeAxis, *, lane: bool
) -> go.Figure:
    figure = stacked_panes([pane.title for pane in info.panes], axis.title, scheme, lane=lane)
    legend: set[str] = set()
    for row, pane in enumerate(info.panes, start=1 + lane):
        if pane.spanned is not None and pane.spanned.band is not None:
            for trace in draw_band(pane.spanned, split_colour("train", scheme)):
                trace.showlegend = trace.showlegend and BAND not in legend
                figure.add_trace(trace, row=row, col=1)
            legend.add(BAND)
        for curve in pane.curves:
            first = curve.line.name not in legend
            figure.add_trace(_trace(curve, scheme, showlegend=first), row=row, col=1)
            legend.add(curve.line.name)
        values = (y for curve in pane.curves for y in curve.line.y)
        figure.update_yaxes(range=steady_range(values), row=row)
        lost = draw_lost((curve.line for curve in pane.curves), scheme)
        if lost is not None:
            lost.showlegend = _LOST not in legend
            legend.add(_LOST)
            figure.add_trace(lost, row=row, col=1)
    if info.log and info.panes[0].title == "loss":
        figure.update_yaxes(type="log", row=1 + lane, col=1)
    return figure.update_layout(meta={"axis": axis.name})


def _trace(curve: _Curve, scheme: Scheme, *, showlegend: bool) -> go.Scatter:
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
