"""Printed minus recomputed, epoch by epoch: is what was printed what is?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.records import Split, Verification
from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost, make_line
from lossmon_dashboard.figures.panes import AT_EPOCH, EPOCH, empty_pane, stacked_panes
from lossmon_dashboard.theme import Scheme, ink, split_colour

NOTHING_TO_SHOW = "Needs an epoch that could be recomputed."
GAP_COLUMNS = ("epoch", "split", "step", "loss_gap", "accuracy_gap", "status", "loss")
"""The columns of epoch rows that the chart shows."""

_LEAST = 1e-3
_SYMBOLS: dict[Verification, str] = {
    "verified": "circle",
    "mismatch": "x",
    "unverified": "circle-open",
}


class _Gaps(NamedTuple):
    split: Split
    line: Line
    statuses: tuple[Verification, ...]


class _GapInfo(NamedTuple):
    loss: tuple[_Gaps, ...]
    accuracy: tuple[_Gaps, ...]
    least_loss: float
    """How far the axis of the loss reaches at least, so that rounding looks like nothing."""


def plot_gap(epochs: Sequence[Mapping[str, Any]], scheme: Scheme = "light") -> go.Figure:
    """Printed minus recomputed loss and accuracy; a cross marks what does not agree.

    Args:
        epochs: epoch rows of one output with `GAP_COLUMNS`.
        scheme: the colour scheme to draw for.
    """
    return _get_gap_plot(_get_gap_info(epochs), scheme)


def _get_gap_info(epochs: Sequence[Mapping[str, Any]]) -> _GapInfo:
    loss, accuracy = (
        tuple(_gaps(epochs, split, column) for split in get_args(Split))
        for column in ("loss_gap", "accuracy_gap")
    )
    losses = [abs(row["loss"]) for row in epochs if row["loss"] is not None]
    largest = max((value for value in losses if math.isfinite(value)), default=0.0)
    return _GapInfo(loss, accuracy, _LEAST * largest)


def _gaps(epochs: Sequence[Mapping[str, Any]], split: Split, column: str) -> _Gaps:
    rows = [row for row in epochs if row["split"] == split and row[column] is not None]
    points = [
        (row["epoch"] + 1, row[column], f"{row['status']}, epoch {row['epoch'] + 1}")
        for row in rows
    ]
    return _Gaps(split, make_line(split, points), tuple(row["status"] for row in rows))


def _get_gap_plot(info: _GapInfo, scheme: Scheme) -> go.Figure:
    panes = [("loss", info.loss, info.least_loss), ("accuracy", info.accuracy, _LEAST)]
    shown = [pane for pane in panes if any(gap.line.x for gap in pane[1])]
    if not shown:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    titles = [f"{title}, printed minus recomputed" for title, *_ in shown]
    figure = stacked_panes(titles, EPOCH, scheme, pointer=AT_EPOCH)
    for row, (_, gaps, least) in enumerate(shown, start=1):
        for gap in gaps:
            if gap.line.x:
                figure.add_trace(_trace(gap, scheme, named=row == 1), row=row, col=1)
        lost = draw_lost((gap.line for gap in gaps), scheme)
        if lost is not None:
            figure.add_trace(lost, row=row, col=1)
        place: dict[str, Any] = {"row": row, "col": 1}
        line = {"color": ink(scheme).dimmed, "width": 1, "dash": "dot"}
        figure.add_hline(y=0, line=line, **place)
        figure.update_yaxes(range=_range(gaps, least), tickformat="+~g", row=row)
    return figure


def _range(gaps: Sequence[_Gaps], least: float) -> list[float] | None:
    """At least from -least to least; None where the values reach beyond it."""
    values = [abs(y) for gap in gaps for y in gap.line.y if y is not None]
    return None if max(values, default=0.0) > least else [-1.2 * (least or 1), 1.2 * (least or 1)]


def _trace(gap: _Gaps, scheme: Scheme, *, named: bool) -> go.Scatter:
    colour, alarm = split_colour(gap.split, scheme), ink(scheme).alarm
    return draw_line(
        gap.line,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": "solid" if gap.split == "train" else "dash"},
        marker={
            "symbol": [_SYMBOLS[status] for status in gap.statuses],
            "size": [11 if status == "mismatch" else 6 for status in gap.statuses],
            "color": [alarm if status == "mismatch" else colour for status in gap.statuses],
        },
        legendgroup=gap.split,
        showlegend=named,
    )
