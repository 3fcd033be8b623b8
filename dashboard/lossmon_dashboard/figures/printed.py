"""The printed accuracy against the one that was meant, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.lines import Line, draw_line, epoch_line
from lossmon_dashboard.figures.panes import EPOCH, empty_pane, single_pane, steady_range
from lossmon_dashboard.theme import Scheme, split_colour

NOTHING_TO_SHOW = "The printed accuracy is the one that was meant."
PRINTED_COLUMNS = ("epoch", "split", "step", "reported_accuracy", "intended_accuracy")
"""The columns of epoch rows that the chart shows."""


class _Pair(NamedTuple):
    split: Split
    printed: Line
    correct: Line


def plot_printed(epochs: Sequence[Mapping[str, Any]], scheme: Scheme = "light") -> go.Figure:
    """Printed accuracy dotted, meant accuracy solid, of each split.

    Args:
        epochs: epoch rows of one output with `PRINTED_COLUMNS`.
        scheme: the colour scheme to draw for.
    """
    return _get_printed_plot(_get_printed_info(epochs), scheme)


def _get_printed_info(epochs: Sequence[Mapping[str, Any]]) -> tuple[_Pair, ...]:
    pairs = (_pair(epochs, split) for split in get_args(Split))
    return tuple(pair for pair in pairs if pair.correct.x)


def _pair(epochs: Sequence[Mapping[str, Any]], split: Split) -> _Pair:
    rows = [row for row in epochs if row["split"] == split]
    return _Pair(
        split,
        epoch_line(f"{split}, printed", rows, "reported_accuracy"),
        epoch_line(f"{split}, meant", rows, "intended_accuracy"),
    )


def _get_printed_plot(info: tuple[_Pair, ...], scheme: Scheme) -> go.Figure:
    if not info:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    figure = single_pane(EPOCH, "accuracy", scheme, hovermode="x unified")
    for pair in info:
        colour = split_colour(pair.split, scheme)
        symbol = "circle" if pair.split == "train" else "diamond"
        for line, dash, shape in (
            (pair.printed, "dot", f"{symbol}-open"),
            (pair.correct, "solid", symbol),
        ):
            figure.add_trace(
                draw_line(
                    line,
                    mode="lines+markers",
                    line={"color": colour, "width": 2, "dash": dash},
                    marker={"symbol": shape, "size": 6},
                )
            )
    values = [y for pair in info for line in (pair.printed, pair.correct) for y in line.y]
    figure.update_yaxes(range=steady_range(values))
    return figure
