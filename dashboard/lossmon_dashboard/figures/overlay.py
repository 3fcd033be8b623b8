"""Several runs over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.lines import Line, best_known, draw_line, draw_lost, epoch_line
from lossmon_dashboard.figures.panes import empty_pane, stacked_panes, steady_range
from lossmon_dashboard.theme import Scheme, run_style

Document = Mapping[str, Any]


class _OverlayInfo(NamedTuple):
    loss: tuple[Line, ...]
    accuracy: tuple[Line, ...]


def plot_overlay(runs: Sequence[Document], split: Split, scheme: Scheme = "light") -> go.Figure:
    """Loss and accuracy of each run by epoch, in the colour and line style of its place.

    Args:
        runs: run documents with `name` and `epochs`; only rows of the whole model are drawn.
        split: which data the values were measured on.
        scheme: the colour scheme to draw for.
    """
    return _get_overlay_plot(_get_overlay_info(runs, split), scheme)


def _get_overlay_info(runs: Sequence[Document], split: Split) -> _OverlayInfo:
    return _OverlayInfo(
        loss=tuple(_line(run, split, "loss") for run in runs),
        accuracy=tuple(_line(run, split, "accuracy") for run in runs),
    )


def _line(run: Document, split: Split, measure: str) -> Line:
    rows = [
        {
            "at": row["epoch"] + 1,
            "epoch": row["epoch"],
            "value": best_known(row, measure),
        }
        for row in run["epochs"]
        if row["split"] == split and row["output"] is None
    ]
    return epoch_line(run["name"], rows, "value", axis="at")


def _get_overlay_plot(info: _OverlayInfo, scheme: Scheme) -> go.Figure:
    panes = [("loss", info.loss), ("accuracy", info.accuracy)]
    shown = [(title, lines) for title, lines in panes if any(line.x for line in lines)]
    if not shown:
        return empty_pane("These runs have no such values yet.", scheme)
    figure = stacked_panes([title for title, _ in shown], "epoch", scheme)
    named: set[int] = set()
    for row, (_, lines) in enumerate(shown, start=1):
        for position, line in enumerate(lines):
            if line.x:
                first = position not in named
                figure.add_trace(_trace(line, position, scheme, showlegend=first), row=row, col=1)
                named.add(position)
        figure.update_yaxes(range=steady_range(y for line in lines for y in line.y), row=row)
        lost = draw_lost(lines, scheme)
        if lost is not None:
            figure.add_trace(lost, row=row, col=1)
    return figure


def _trace(line: Line, position: int, scheme: Scheme, *, showlegend: bool) -> go.Scatter:
    colour, dash = run_style(position, scheme)
    return draw_line(
        line,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 5},
        legendgroup=str(position),
        showlegend=showlegend,
    )
