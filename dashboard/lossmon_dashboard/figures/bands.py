"""Spans of the time axis that stand out behind the lines of all panes."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from lossmon_dashboard.theme import Scheme, ink

_OPACITY = 0.14


def draw_bands(
    figure: go.Figure, name: str, spans: Sequence[tuple[float, float]], scheme: Scheme
) -> go.Figure:
    """Shade spans, and name the shade in the legend.

    Args:
        figure: a chart; one without lines is left as it is.
        name: what the spans are.
        spans: first and last position of each.
        scheme: the colour scheme to draw for.
    """
    if not spans or not figure.data:
        return figure
    colour = ink(scheme).palette[3]
    for first, last in spans:
        figure.add_vrect(
            x0=first, x1=last, fillcolor=colour, opacity=_OPACITY, layer="below", line_width=0
        )
        for edge in (first, last):
            figure.add_vline(x=edge, line={"color": colour, "width": 1, "dash": "dot"})
    # Shapes have no entry of their own in the legend.
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        marker={"symbol": "square", "size": 12, "color": colour, "opacity": 0.5},
        hoverinfo="skip",
    )
    return figure
