"""Several runs over one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.analysis import Misreading, epoch_accuracy, is_misread, misreading
from lossmon.records import Split
from lossmon_dashboard.figures.added import LOST, Points
from lossmon_dashboard.figures.alignment import Axis, aligned, axis_unit, pointer_of
from lossmon_dashboard.figures.lines import (
    Line,
    best_known,
    draw_line,
    draw_lost,
    legend_name,
    lost_points,
    make_line,
    top_of,
)
from lossmon_dashboard.figures.panes import empty_pane, stacked_panes, steady_range
from lossmon_dashboard.theme import Scheme, run_styles
from lossmon_dashboard.wording import number

Document = Mapping[str, Any]
Measure = Literal["loss", "accuracy"]
CROSSED_OUT = "circle-x-open"
"""How points are drawn whose value does not mean what it says."""


class _OverlayInfo(NamedTuple):
    loss: tuple[Line, ...]
    accuracy: tuple[Line, ...]
    x_title: str = "epoch"
    accuracy_title: str = "accuracy"
    names: tuple[str, ...] = ()
    struck: tuple[bool, ...] = ()


def plot_overlay(
    runs: Sequence[Document], split: Split, scheme: Scheme = "light", *, axis: Axis = "epoch"
) -> go.Figure:
    """Loss and accuracy of each run, in the colour and line style that are its own.

    Where the printed accuracy is misread, the one that was meant is drawn; where that is not known,
    it is marked: in the legend, in what the pointer is told, and by the line itself.

    Args:
        runs: run documents with `id`, `name`, `epochs` and `findings`; only rows of the whole model
            are drawn.
        split: which data the values were measured on.
        scheme: the colour scheme to draw for.
        axis: what the epochs are laid beside one another by.
    """
    styles = run_styles([run["id"] for run in runs], scheme)
    return _get_overlay_plot(_get_overlay_info(runs, split, axis), styles, scheme)


def overlay_lines(
    runs: Sequence[Document], split: Split, measure: Measure, axis: Axis, before: float = 0.0
) -> tuple[str, tuple[Line, ...]]:
    """The title of an axis, and one value of each run along it.

    Args:
        runs: as for `plot_overlay`.
        split: which data the values were measured on.
        measure: "loss" or "accuracy".
        axis: what the epochs are laid beside one another by.
        before: the furthest place of what else there is on the axis.
    """
    known = [aligned(run, split) for run in runs]
    last = max((x for one in known for x in one.places[axis]), default=0.0)
    size, title = axis_unit(axis, max(last, before))
    lines = [
        make_line(run["name"], _points(run, _scaled(one.places[axis], size), one.rows, measure))
        for run, one in zip(runs, known, strict=True)
    ]
    return title, tuple(lines)


def trace_uid(measure: Measure, position: int) -> str:
    """What the trace of one value of a run is called, by the place of the run among the others."""
    return f"{measure}-{position}"


def overlay_points(
    runs: Mapping[int, Document], split: Split, measure: Measure, axis: Axis, before: float
) -> dict[str, Points]:
    """What traces show of the epochs of some of the runs, by the `uid` of the trace.

    Args:
        runs: by the place of each among all that are drawn, of which the last epochs are enough.
        split: which data the values were measured on.
        measure: "loss" or "accuracy".
        axis: what the epochs are laid beside one another by.
        before: the furthest place of what else there is on the axis.
    """
    lines = overlay_lines([*runs.values()], split, measure, axis, before)[1]
    found = {
        trace_uid(measure, position): Points(line.x, line.y, line.hover)
        for position, line in zip(runs, lines, strict=True)
    }
    lost = lost_points(lines)
    if lost:
        places, kinds = zip(*lost, strict=True)
        found[f"{measure}-{LOST}"] = Points(places, [top_of(lines)] * len(places), kinds)
    return found


def accuracy_title(runs: Sequence[Document]) -> str:
    """What an axis of accuracies counts: where one was misread, what was meant."""
    return "accuracy, as meant" if any(is_misread(run["epochs"]) for run in runs) else "accuracy"


def told_name(run: Document, width: int = 40) -> str:
    """How a run is called beside its curve of accuracy, as plotly may draw it."""
    name, found = legend_name(run["name"], width), drawn_misreading(run)
    if is_misread(run["epochs"]):
        return f"{name} (accuracy as meant)"
    if found is None or all(epoch_accuracy(row) is None for row in run["epochs"]):
        return name
    since = f" from epoch {found.since + 1}" if found.since else ""
    return f"{name} (accuracy: {found.codes}{since})"


def drawn_misreading(run: Document) -> Misreading | None:
    """Why the accuracy that is drawn of a run is not what it seems; None where it is."""
    return None if is_misread(run["epochs"]) else misreading(run["findings"])


def is_struck(run: Document) -> bool:
    """Whether no accuracy that is drawn of a run means what it says."""
    found = drawn_misreading(run)
    return found is not None and not found.since


def strike(trace: go.Scatter) -> go.Scatter:
    """Draw a curve as one that does not mean what it says: pale, with crossed-out points."""
    return trace.update(opacity=0.5, marker={"symbol": CROSSED_OUT, "size": 8})


def _points(
    run: Document, places: Sequence[float], rows: Sequence[Document], measure: Measure
) -> Iterator[tuple[float, float | None, str]]:
    found = misreading(run["findings"])
    for place, row in zip(places, rows, strict=True):
        yield place, _value(row, measure), _where(row, measure, found)


def _value(row: Document, measure: Measure) -> float | None:
    return epoch_accuracy(row) if measure == "accuracy" else best_known(row, measure)


def _where(row: Document, measure: Measure, found: Misreading | None) -> str:
    where = f"epoch {row['epoch'] + 1}"
    if measure == "loss":
        return where
    if row.get("intended_accuracy") is not None:
        return f"{where}, as meant (printed {number(row['reported_accuracy'])})"
    if found is None or row["epoch"] < found.since:
        return where
    return f"{where}, misread ({found.codes})"


def _scaled(places: Sequence[float], size: float) -> Sequence[float]:
    return places if size == 1 else [place / size for place in places]


def _get_overlay_info(runs: Sequence[Document], split: Split, axis: Axis = "epoch") -> _OverlayInfo:
    title, losses = overlay_lines(runs, split, "loss", axis)
    hits = overlay_lines(runs, split, "accuracy", axis)[1]
    names, struck = tuple(map(told_name, runs)), tuple(map(is_struck, runs))
    return _OverlayInfo(losses, hits, title, accuracy_title(runs), names, struck)


def _get_overlay_plot(
    info: _OverlayInfo, styles: Sequence[tuple[str, str]], scheme: Scheme
) -> go.Figure:
    panes = zip(
        get_args(Measure),
        ("loss", info.accuracy_title),
        (info.loss, info.accuracy),
        strict=True,
    )
    shown = [pane for pane in panes if any(line.x for line in pane[2])]
    if not shown:
        return empty_pane("These runs have no such values yet.", scheme)
    titles, pointer = [title for _, title, _ in shown], pointer_of(info.x_title)
    figure = stacked_panes(titles, info.x_title, scheme, pointer=pointer)
    named: set[int] = set()
    for row, (measure, _, lines) in enumerate(shown, start=1):
        for position, line in enumerate(lines):
            if line.x:
                first = position not in named
                trace = _trace(line, position, styles[position], showlegend=first)
                trace.update(name=info.names[position], uid=trace_uid(measure, position))
                if measure == "accuracy" and info.struck[position]:
                    strike(trace)
                figure.add_trace(trace, row=row, col=1)
                named.add(position)
        figure.update_yaxes(range=steady_range(y for line in lines for y in line.y), row=row)
        lost = draw_lost(lines, scheme)
        if lost is not None:
            figure.add_trace(lost.update(uid=f"{measure}-{LOST}"), row=row, col=1)
    return figure


def _trace(line: Line, position: int, style: tuple[str, str], *, showlegend: bool) -> go.Scatter:
    colour, dash = style
    return draw_line(
        line,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 5},
        legendgroup=str(position),
        showlegend=showlegend,
    )
