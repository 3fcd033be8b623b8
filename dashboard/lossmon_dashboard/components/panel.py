"""A panel: a heading, a line of help in plain words, and what it shows."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html

from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.figures.panes import CHART_HEIGHT

# Nothing leaves the machine: plotly would otherwise offer to upload the chart to its cloud.
GRAPH_CONFIG: Any = {
    "displaylogo": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "lossmon"},
}


def panel(title: str, help_text: str, *children: Any, **props: Any) -> dmc.Paper:
    """A framed part of a page.

    Args:
        title: what it shows.
        help_text: how to read it, for someone who sees it for the first time.
        children: its content.
        props: further properties of the paper, e.g. `id`.
    """
    return dmc.Paper(
        [
            dmc.Title(title, order=3, size="h5"),
            dmc.Text(help_text, size="sm", c="dimmed", mb="sm", maw=760),
            *children,
        ],
        className="lossmon-panel",
        **props,
    )


def chart(identity: str, label: str, height: int = CHART_HEIGHT) -> html.Div:
    """A chart to be filled by a callback, with the room it will need and a name for readers."""
    graph = dcc.Graph(
        id=identity,
        figure=go.Figure(layout={"xaxis": {"visible": False}, "yaxis": {"visible": False}}),
        config=GRAPH_CONFIG,
        style={"height": height},
    )
    return html.Div(graph, role="img", **spoken(label))


def own_height(figure: Any) -> dict[str, int]:
    """The style that gives a chart the height that its figure asks for."""
    return {"height": figure.layout.height}
