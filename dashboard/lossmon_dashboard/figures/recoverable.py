"""How much of the validation loss is over- or underconfidence alone, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost, epoch_line
from lossmon_dashboard.figures.panes import EPOCH, empty_pane, single_pane, steady_range
from lossmon_dashboard.theme import Scheme, faint, ink, split_colour

NOTHING_TO_SHOW = "Needs an epoch with validation data and probabilities."
RECOVERABLE_COLUMNS = ("epoch", "split", "step", "nll", "scaled_loss")
"""The columns of epoch rows that the chart shows."""


class _RecoverableInfo(NamedTuple):
    loss: Line
    scaled: Line


def plot_recoverable(
    epochs: Sequence[Mapping[str, Any]], scheme: Scheme = "light", nothing: str = NOTHING_TO_SHOW
) -> go.Figure:
    """Validation loss as it is, and as it were with the best temperature: between lies confidence.

    Args:
        epochs: epoch rows of one output with `RECOVERABLE_COLUMNS`.
        scheme: the colour scheme to draw for.
        nothing: what is said where there is nothing to draw.
    """
    info = _get_recoverable_info(epochs)
    return _get_recoverable_plot(info, scheme) if info.loss.x else empty_pane(nothing, scheme)


def _get_recoverable_info(epochs: Sequence[Mapping[str, Any]]) -> _RecoverableInfo:
    rows = [row for row in epochs if row["split"] == "val"]
    return _RecoverableInfo(
        epoch_line("validation loss", rows, "nll"),
        epoch_line("with the best temperature", rows, "scaled_loss"),
    )


def _get_recoverable_plot(info: _RecoverableInfo, scheme: Scheme) -> go.Figure:
    figure = single_pane(EPOCH, "loss", scheme, hovermode="x unified")
    colour, other = split_colour("val", scheme), ink(scheme).palette[2]
    marker = {"symbol": "diamond", "size": 6}
    figure.add_trace(
        draw_line(
            info.scaled,
            mode="lines+markers",
            line={"color": other, "width": 2, "dash": "dash"},
            marker={"symbol": "circle", "size": 5},
        )
    )
    figure.add_trace(
        draw_line(
            info.loss,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker=marker,
            fill="tonexty",
            fillcolor=faint(colour, 0.15),
        )
    )
    lost = draw_lost(info, scheme)
    if lost is not None:
        figure.add_trace(lost)
    figure.update_yaxes(range=steady_range(y for line in info for y in line.y))
    return figure
