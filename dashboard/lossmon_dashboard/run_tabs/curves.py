"""Loss and accuracy over the training, and what the word accuracy means in it."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon_dashboard.clock import viewer_scheme, viewer_zone
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings, accuracy_panel
from lossmon_dashboard.components.choice import choice
from lossmon_dashboard.components.events import event_links
from lossmon_dashboard.components.panel import chart, drawn, panel
from lossmon_dashboard.documents import read_documents
from lossmon_dashboard.export import export_link
from lossmon_dashboard.figures.history import MOST_MARKS
from lossmon_dashboard.figures.history_view import SMOOTHING, HistoryView
from lossmon_dashboard.run_tabs.following import follow
from lossmon_dashboard.run_tabs.history import Zoom
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "curves"
TITLE = "Curves"

_DETAILS = [
    {"value": "both", "label": "Both"},
    {"value": "epochs", "label": "Epochs"},
    {"value": "batches", "label": "Batches"},
]
_VALUES = [
    {"value": "recomputed", "label": "Recomputed"},
    {"value": "own", "label": "Keras' own"},
    {"value": "reported", "label": "Printed"},
    {"value": "all", "label": "All"},
]
_AXES = [
    {"value": "epoch", "label": "Epochs"},
    {"value": "step", "label": "Steps"},
    {"value": "time", "label": "Time"},
    {"value": "samples", "label": "Samples"},
]
_SMOOTHING = [{"value": str(span), "label": str(span) if span else "Off"} for span in SMOOTHING]


def content(run: OpenedRun) -> list[Any]:
    """The panels, with the chart: who opens a run waits for it."""
    full = export_link(run.id, "batches")
    view = HistoryView.from_query(run.query)._replace(output=run.output)
    answer = follow(current_store(), run.id, view, viewer_scheme(), zone=viewer_zone())
    figure = answer.drawn.pop("figure")
    return [
        dcc.Store(id="run-span"),
        panel(
            "Loss and accuracy",
            "Batches are a faint line, in long runs a band from the least to the greatest. Epochs "
            f"are a strong line with a mark at each; where more than {MOST_MARKS} are in view, at "
            "every second, third and so on. Drag to zoom in to single batches. Values are "
            "lossmon's own second computation unless you choose otherwise. The last batch of an "
            "epoch may have fewer samples, so that chance moves it more: the pointer says how "
            "many. Smoothing is an exponential moving average, in which batches weigh by their "
            "samples.",
            _controls(view),
            chart(
                "run-history",
                "Loss and accuracy over the training",
                figure["layout"]["height"],
                full=full,
                figure=figure,
                told=answer.drawn,
            ),
            html.Div(event_links(answer.events), id="run-events"),
        ),
        panel(
            "What “accuracy” means here",
            "Keras resolves the word from tensor shapes alone. This is what it became.",
            html.Div(_told_accuracy(run.id), id="run-accuracy"),
        ),
    ]


def _controls(view: HistoryView) -> dmc.Group:
    return dmc.Group(
        [
            choice("run-detail", "Detail", view.detail, _DETAILS),
            choice("run-value", "Values", view.value, _VALUES),
            choice("run-axis", "Time axis", view.axis, _AXES),
            choice("run-smooth", "Smoothing, batches", str(view.smooth), _SMOOTHING),
            dmc.Switch(id="run-log", label="Logarithmic loss", checked=view.log, mb=7),
        ],
        gap="md",
        mb="xs",
        align="flex-end",
        className="lossmon-controls",
    )


def register(app: dash.Dash) -> None:
    """Connect the chart to the run, its controls and the colour scheme."""
    controls = {
        "detail": Input("run-detail", "value"),
        "value": Input("run-value", "value"),
        "axis": Input("run-axis", "value"),
        "smooth": Input("run-smooth", "value"),
        "log": Input("run-log", "checked"),
    }

    @app.callback(
        Output(drawn("run-history"), "data"),
        Output("run-events", "children"),
        inputs={
            "controls": controls,
            "output": Input("run-output", "value"),
            "scheme": Input("scheme", "data"),
            "place": {
                "zoom": State("run-span", "data"),
                "run": State("run-id", "data"),
            },
        },
        prevent_initial_call=True,
    )
    def draw_history(
        controls: dict[str, Any],
        output: str | None,
        scheme: Scheme | None,
        place: dict[str, Any],
    ) -> tuple[Any, Any]:
        if scheme is None:
            return no_update, no_update
        answer = follow(
            current_store(),
            place["run"],
            chosen_view(controls, output),
            scheme,
            zoom=Zoom.of(place["zoom"]),
            zone=viewer_zone(),
        )
        return answer.drawn, event_links(answer.events)

    @app.callback(
        Output("run-accuracy", "children"),
        Input("run-news", "data"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    def tell_accuracy(_: Any, run: str) -> Any:
        return _told_accuracy(run)

    # The span is set without an output: its finer data are asked for once plotly has drawn it.
    app.clientside_callback(
        ClientsideFunction("lossmon_follow", "draw"),
        Output("run-history", "figure"),
        Output("run-history", "style"),
        Input(drawn("run-history"), "data"),
        State("run-history", "id"),
        State("run-history", "figure"),
        State("scheme", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "shownSpan"),
        Input("run-history", "relayoutData"),
        Input("run-axis", "value"),
        State("run-span", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "goToEvent"), Input("run-history", "clickData")
    )
    app.clientside_callback(ClientsideFunction("lossmon_run", "rememberCurves"), *controls.values())


def _told_accuracy(run: str) -> Any:
    return accuracy_panel(accuracy_meanings(read_documents([run])[0]))


def chosen_view(controls: dict[str, Any], output: str | None) -> HistoryView:
    """The view that the controls stand at."""
    words = {key: str(value) for key, value in controls.items() if value and key != "log"}
    scale = {"scale": "log"} if controls["log"] else {}
    return HistoryView.from_query({**words, **scale, **({"output": output} if output else {})})
