"""Many runs side by side: a small pane each, on the same axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lossmon.records import Split
from lossmon_dashboard.figures.alignment import Axis
from lossmon_dashboard.figures.lines import Line, draw_line, legend_name
from lossmon_dashboard.figures.overlay import (
    Measure,
    accuracy_title,
    is_struck,
    overlay_lines,
    strike,
    told_name,
    trace_uid,
)
from lossmon_dashboard.figures.panes import empty_pane, steady_range
from lossmon_dashboard.figures.saved import not_saved, saved_as
from lossmon_dashboard.theme import Scheme, ink, run_styles, template

Document = Mapping[str, Any]

BEHIND = "behind"
"""How the `uid` of what is drawn of all runs behind each begins."""
_PANE, _WIDTH = 170, 32
_FEW_POINTS = 3
_WITH_OTHERS = 16
"""Of more runs, the others are not drawn behind each."""


class _MultiplesInfo(NamedTuple):
    names: tuple[str, ...]
    lines: tuple[Line, ...]
    styles: tuple[tuple[str, str], ...]
    x_title: str
    measure: Measure
    measure_title: str
    struck: tuple[bool, ...]


def plot_multiples(
    runs: Sequence[Document],
    split: Split,
    measure: Measure = "loss",
    scheme: Scheme = "light",
    *,
    axis: Axis = "epoch",
    columns: int = 3,
) -> go.Figure:
    """One value of each run in a pane of its own, the other runs in grey behind it.

    Args:
        runs: run documents with `id`, `name`, `epochs` and `findings`.
        split: which data the values were measured on.
        measure: "loss" or "accuracy".
        scheme: the colour scheme to draw for.
        axis: what the epochs are laid beside one another by.
        columns: panes in a row.
    """
    title, lines = overlay_lines(runs, split, measure, axis)
    if not any(line.x for line in lines):
        return empty_pane("These runs have no such values yet.", scheme)
    names = [
        told_name(run, _WIDTH) if measure == "accuracy" else legend_name(run["name"], _WIDTH)
        for run in runs
    ]
    styles = run_styles([run["id"] for run in runs], scheme)
    measured = accuracy_title(runs) if measure == "accuracy" else measure
    struck = tuple(measure == "accuracy" and is_struck(run) for run in runs)
    info = _MultiplesInfo(tuple(names), lines, tuple(styles), title, measure, measured, struck)
    return _get_multiples_plot(info, scheme, columns)


def _get_multiples_plot(info: _MultiplesInfo, scheme: Scheme, columns: int) -> go.Figure:
    lines = info.lines
    wide = min(columns, len(lines))
    tall = math.ceil(len(lines) / wide)
    frame: dict[str, Any] = {
        "rows": tall,
        "cols": wide,
        "shared_xaxes": "all",
        "shared_yaxes": "all",
        "subplot_titles": list(info.names),
        "horizontal_spacing": 0.04,
        "vertical_spacing": min(0.12, 0.3 / tall),
    }
    figure = make_subplots(**frame)
    behind = _behind(lines, scheme) if len(lines) <= _WITH_OTHERS else None
    for place, (line, (colour, dash)) in enumerate(zip(lines, info.styles, strict=True)):
        at: dict[str, Any] = {"row": place // wide + 1, "col": place % wide + 1}
        if behind is not None:
            figure.add_trace(behind.update(uid=f"{BEHIND}-{place}"), **at)
        style = {"color": colour, "width": 2.5, "dash": dash}
        # A line through one point is not seen.
        mode = "lines" if len(line.x) > _FEW_POINTS else "lines+markers"
        trace = draw_line(line, line=style, mode=mode, showlegend=False)
        trace.update(uid=trace_uid(info.measure, place), meta={"few": _FEW_POINTS})
        if info.struck[place]:
            strike(trace)
        figure.add_trace(saved_as(trace, measure=info.measure_title), **at)
    figure.update_layout(
        template=template(scheme), height=_PANE * tall + 60, margin={"t": 32}, showlegend=False
    )
    figure.update_annotations(font={"size": 12, "color": ink(scheme).text})
    for column in range(wide):
        lowest = (len(lines) - column - 1) // wide + 1
        words = {"title_text": info.x_title, "showticklabels": True}
        figure.update_xaxes(words, row=lowest, col=column + 1)
    figure.update_yaxes(range=steady_range(y for line in lines for y in line.y))
    return figure


def _behind(lines: Sequence[Line], scheme: Scheme) -> go.Scatter:
    """All runs as one quiet trace, interrupted between them."""
    trace = go.Scatter(
        x=[x for line in lines for x in (*line.x, None)],
        y=[y for line in lines for y in (*line.y, None)],
        mode="lines",
        line={"color": ink(scheme).border, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    return not_saved(trace)
