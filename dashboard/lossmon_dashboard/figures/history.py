"""Loss above accuracy on one time axis: train and val, batch and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.bands import draw_bands
from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost, epoch_line, make_line
from lossmon_dashboard.figures.panes import empty_pane, stacked_panes, steady_range
from lossmon_dashboard.theme import Scheme, split_colour

Detail = Literal["both", "epochs", "batches"]
Value = Literal["recomputed", "own", "reported", "all"]
Measure = Literal["loss", "accuracy"]
Row = Mapping[str, Any]
Series = Mapping[str, Any]

_PREFIX: dict[Value, str] = {"recomputed": "recomputed_", "own": "", "reported": "reported_"}
_SUFFIX: dict[Value, str] = {
    "recomputed": "",
    "own": " as Keras computed",
    "reported": " as printed",
}
_DASH: dict[Value, str] = {"recomputed": "solid", "own": "dashdot", "reported": "dot"}


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
    """

    detail: Detail = "both"
    value: Value = "recomputed"
    log: bool = False
    output: str | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> HistoryView:
        """Read a view from an address; what is not understood is the default."""
        details: dict[str | None, Detail] = {word: word for word in get_args(Detail)}
        values: dict[str | None, Value] = {word: word for word in get_args(Value)}
        return cls(
            detail=details.get(query.get("detail"), "both"),
            value=values.get(query.get("value"), "recomputed"),
            log=query.get("scale") == "log",
            output=query.get("output"),
        )


class _Curve(NamedTuple):
    line: Line
    split: Split
    kind: Literal["batch", "recomputed", "own", "reported", "intended"]


class _HistoryInfo(NamedTuple):
    loss: tuple[_Curve, ...]
    accuracy: tuple[_Curve, ...]
    log: bool


def plot_history(
    epochs: Sequence[Row],
    batches: Series,
    view: HistoryView,
    scheme: Scheme = "light",
    diverging: Sequence[tuple[int, int]] = (),
) -> go.Figure:
    """Loss and, where there is one, accuracy over the optimiser steps of a run.

    Args:
        epochs: epoch rows of one output.
        batches: columns of training batches of the same output, as `Store.batch_series` gives
            them: thinned so that extremes survive, masked where there is no value.
        view: what to show.
        scheme: the colour scheme to draw for.
        diverging: first and last step of each span in which loss and accuracy part ways.
    """
    figure = _get_history_plot(_get_history_info(epochs, batches, view), scheme)
    return draw_bands(figure, "loss and accuracy part ways", diverging, scheme)


def batch_column(measure: Measure, view: HistoryView) -> str:
    """The column of the batch rows that a view shows, e.g. `recomputed_loss`."""
    return _PREFIX.get(view.value, "recomputed_") + measure


def _get_history_info(epochs: Sequence[Row], batches: Series, view: HistoryView) -> _HistoryInfo:
    loss, accuracy = (
        tuple(_batch_curves(batches, measure, view)) + tuple(_epoch_curves(epochs, measure, view))
        for measure in get_args(Measure)
    )
    return _HistoryInfo(loss, accuracy, view.log)


def _batch_curves(batches: Series, measure: Measure, view: HistoryView) -> list[_Curve]:
    if view.detail == "epochs":
        return []
    values: list[float | None] = batches[batch_column(measure, view)].tolist()
    if all(value is None for value in values):
        values = batches[measure].tolist()
    steps: list[int] = batches["step"].tolist()
    points = [(step, value, f"step {step}") for step, value in zip(steps, values, strict=True)]
    line = make_line("train, each batch", points)
    return [_Curve(line, "train", "batch")] if line.x else []


def _epoch_curves(epochs: Sequence[Row], measure: Measure, view: HistoryView) -> list[_Curve]:
    if view.detail == "batches":
        return []
    curves: list[_Curve] = []
    for split in get_args(Split):
        rows = [row for row in epochs if row["split"] == split]
        for value in _values(view.value):
            curves.append(_value_curve(rows, measure, split, value))
        if measure == "accuracy":
            line = epoch_line(f"{split}, as intended", rows, "intended_accuracy")
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
        return _Curve(epoch_line(name, rows, measure), split, "own")
    return _Curve(epoch_line(split + _SUFFIX[value], rows, column), split, value)


def _known(rows: Sequence[Row], column: str) -> bool:
    return any(row.get(column) is not None for row in rows)


def _get_history_plot(info: _HistoryInfo, scheme: Scheme) -> go.Figure:
    panes = [("loss", info.loss), ("accuracy", info.accuracy)]
    shown = [(title, curves) for title, curves in panes if curves]
    if not shown:
        return empty_pane("The first values appear here as soon as a batch is done.", scheme)
    figure = stacked_panes([title for title, _ in shown], "training step", scheme)
    legend: set[str] = set()
    for row, (_, curves) in enumerate(shown, start=1):
        for curve in curves:
            first = curve.line.name not in legend
            figure.add_trace(_trace(curve, scheme, showlegend=first), row=row, col=1)
            legend.add(curve.line.name)
        values = (y for curve in curves for y in curve.line.y)
        figure.update_yaxes(range=steady_range(values), row=row)
        lost = draw_lost((curve.line for curve in curves), scheme)
        if lost is not None:
            figure.add_trace(lost, row=row, col=1)
    if info.log and info.loss:
        figure.update_yaxes(type="log", row=1, col=1)
    return figure


def _trace(curve: _Curve, scheme: Scheme, *, showlegend: bool) -> go.Scatter:
    colour = split_colour(curve.split, scheme)
    style: dict[str, Any] = {"legendgroup": curve.line.name, "showlegend": showlegend}
    if curve.kind == "batch":
        return draw_line(curve.line, line={"color": colour, "width": 1}, opacity=0.4, **style)
    if curve.kind == "intended":
        return draw_line(curve.line, line={"color": colour, "width": 2, "dash": "dot"}, **style)
    return draw_line(
        curve.line,
        mode="lines+markers",
        line={"color": colour, "width": 2.25, "dash": _DASH[curve.kind]},
        marker={"symbol": "circle" if curve.split == "train" else "diamond", "size": 6},
        **style,
    )
