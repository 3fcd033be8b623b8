"""The frame of a chart: one pane, or panes stacked on one time axis."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lossmon_dashboard.theme import Scheme, ink, template

PANE_HEIGHT = 250
EPOCH, AT_EPOCH = "epoch", "epoch %{x:.2~f}"
"""The title of an axis of epochs, and what the pointer is told of a place on it."""
_LEGEND_HEIGHT = 70
_LANE_HEIGHT = 44
CHART_HEIGHT = PANE_HEIGHT + _LEGEND_HEIGHT
PAIR_HEIGHT = 2 * PANE_HEIGHT + _LEGEND_HEIGHT


def stacked_panes(
    titles: Sequence[str],
    x_title: str,
    scheme: Scheme,
    *,
    lane: bool = False,
    pointer: str | None = None,
) -> go.Figure:
    """Panes above one another that zoom, pan and answer the pointer together.

    Args:
        titles: what each pane measures, top to bottom.
        x_title: what the common axis counts.
        scheme: the colour scheme to draw for.
        lane: whether there is a narrow row for events above the panes.
        pointer: what the pointer is told of a place, such as "epoch %{x:.2~f}".
    """
    heights = [*([_LANE_HEIGHT] if lane else []), *([PANE_HEIGHT] * len(titles))]
    figure = make_subplots(
        rows=len(heights),
        shared_xaxes=True,
        vertical_spacing=0.04 if lane else 0.06,
        row_heights=heights,
    )
    _dress(figure, scheme, height=sum(heights) + _LEGEND_HEIGHT)
    figure.update_layout(hovermode="x unified", hoversubplots="axis")
    for row, title in enumerate(titles, start=1 + lane):
        figure.update_yaxes(title_text=title, row=row)
    figure.update_xaxes(title_text=x_title, row=len(heights))
    if pointer is not None:
        figure.update_xaxes(unifiedhovertitle_text=pointer)
    return figure


def single_pane(x_title: str, y_title: str, scheme: Scheme, **layout: Any) -> go.Figure:
    """One pane with its axis titles."""
    figure = go.Figure()
    _dress(figure, scheme, height=CHART_HEIGHT)
    figure.update_layout(xaxis_title_text=x_title, yaxis_title_text=y_title, **layout)
    if x_title == EPOCH:
        figure.update_xaxes(unifiedhovertitle_text=AT_EPOCH)
    return figure


def empty_pane(words: str, scheme: Scheme) -> go.Figure:
    """A chart that has nothing to show yet, and says so."""
    figure = go.Figure()
    _dress(figure, scheme, height=CHART_HEIGHT)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text="<br>".join(textwrap.wrap(words, 36)),
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        font={"size": 13, "color": ink(scheme).dimmed},
    )
    return figure


def steady_range(values: Iterable[float | None]) -> list[float] | None:
    """The range of an axis whose values are all alike; None where plotly's own will do.

    Plotly gives a flat line one unit above and below, which makes an accuracy run from -1 to 1.
    """
    different = {value for value in values if value is not None}
    if len(different) != 1:
        return None
    (value,) = different
    room = max(abs(value) / 10, 0.05)
    return [value - room, value + room]


def _dress(figure: go.Figure, scheme: Scheme, height: int) -> None:
    figure.update_layout(template=template(scheme), height=height)
