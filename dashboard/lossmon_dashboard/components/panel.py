"""A panel: a heading, a line of help in plain words, and what it shows."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import ClientsideFunction, Input, Output, State, dcc, html

from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.save import save_menu
from lossmon_dashboard.figures.panes import CHART_HEIGHT

# Nothing leaves the machine: plotly would otherwise offer to upload the chart to its cloud.
GRAPH_CONFIG: Any = {
    "displaylogo": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["sendChartToCloud", "toImage", "select2d", "lasso2d", "autoScale2d"],
}


# Neither light nor dark: which of them is asked for is not known yet.
_CLEAR, _GREY = "rgba(0,0,0,0)", "#868e96"
_WAITING = go.Figure(
    layout={
        "template": None,
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "annotations": [
            {"text": "reading …", "showarrow": False, "font": {"size": 13, "color": _GREY}}
        ],
    }
)


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
            dmc.Title(title, order=2, size="h5"),
            dmc.Text(help_text, size="sm", c="dimmed", mb="sm", maw=760),
            *children,
        ],
        className="lossmon-panel",
        **props,
    )


def scrolled(label: str, *children: Any, **props: Any) -> html.Div:
    """A part that scrolls sideways where it is wider than its room, by keyboard as well.

    Args:
        label: what it shows, for readers who do not see it.
        children: its content.
        props: further properties, e.g. `id`.
    """
    return html.Div(
        list(children),
        className="lossmon-scroll",
        tabIndex=0,
        role="group",
        **spoken(label),
        **props,
    )


def chart(
    identity: str,
    label: str,
    height: int = CHART_HEIGHT,
    *,
    full: str | None = None,
    figure: Any = _WAITING,
    told: Any = None,
) -> html.Div:
    """A chart to be filled by a callback, with the room it will need and a name for readers.

    Figures go to the store `drawn(identity)`; `keep_view` hands them on to the chart.

    Args:
        identity: the id of the chart.
        label: what it shows, for readers who do not see it.
        height: the room it will need, in pixels.
        full: the address of the full data behind it; None where there is none.
        figure: what it shows until a callback brings another.
        told: what is in the store until then.
    """
    graph = dcc.Graph(
        id=identity,
        figure=figure,
        config=GRAPH_CONFIG,
        style={"height": height},
    )
    return html.Div(
        [
            dcc.Store(id=drawn(identity), data=told),
            save_menu(identity, label, full),
            html.Div(graph, role="figure", **spoken(label)),
        ]
    )


def drawn(identity: str) -> str:
    """The id of the store that takes the figures of a chart."""
    return f"{identity}-drawn"


def keep_view(app: dash.Dash, *identities: str) -> None:
    """Draw what comes into the stores of some charts, as high as it asks to be.

    As long as the `uirevision` of a figure stays the same, the reader's zoom and hidden lines are
    carried over. Plotly would do so by itself, but forgets what to carry over when Dash draws the
    same figure again, as it does after each zoom.
    """
    for identity in identities:
        app.clientside_callback(
            ClientsideFunction("lossmon", "keepView"),
            Output(identity, "figure"),
            Output(identity, "style"),
            Input(drawn(identity), "data"),
            State(identity, "id"),
        )
