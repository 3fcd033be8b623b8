"""Loss and accuracy over the training, and what the word accuracy means in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.analysis import EPISODE_COLUMNS, diverging_epochs
from lossmon_dashboard import figures
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings, accuracy_panel
from lossmon_dashboard.components.choice import choice
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel
from lossmon_dashboard.figures.history import HistoryView, batch_column
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "curves"
TITLE = "Curves"

_DETAILS = [
    {"value": "both", "label": "Epochs and batches"},
    {"value": "epochs", "label": "Epochs"},
    {"value": "batches", "label": "Batches"},
]
_VALUES = [
    {"value": "recomputed", "label": "Recomputed"},
    {"value": "own", "label": "Keras' own"},
    {"value": "reported", "label": "Printed"},
    {"value": "all", "label": "All"},
]


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks."""
    return [
        dcc.Store(id="run-span"),
        panel(
            "Loss and accuracy",
            "Every batch is a faint line, every epoch a marked one. Drag to zoom: both charts "
            "follow. Values are lossmon's own second computation unless you choose otherwise.",
            _controls(HistoryView.from_query(run.query)),
            chart("run-history", "Loss and accuracy over training steps", PAIR_HEIGHT),
        ),
        panel(
            "What “accuracy” means here",
            "Keras resolves the word from tensor shapes alone. This is what it became.",
            html.Div(id="run-accuracy"),
        ),
    ]


def _controls(view: HistoryView) -> dmc.Group:
    return dmc.Group(
        [
            choice("run-detail", "Detail", view.detail, _DETAILS),
            choice("run-value", "Values", view.value, _VALUES),
            dmc.Switch(id="run-log", label="Logarithmic loss", checked=view.log),
        ],
        gap="md",
        mb="xs",
    )


def register(app: dash.Dash) -> None:
    """Connect the chart to the run, its controls and the colour scheme."""

    @app.callback(
        Output(drawn("run-history"), "data"),
        inputs={
            "revision": Input("revision", "data"),
            "chosen": {
                "detail": Input("run-detail", "value"),
                "value": Input("run-value", "value"),
                "output": Input("run-output", "value"),
            },
            "log": Input("run-log", "checked"),
            "scheme": Input("scheme", "data"),
            "place": {"span": Input("run-span", "data"), "run": State("run-id", "data")},
        },
    )
    def draw_history(
        revision: Any,
        chosen: dict[str, str],
        log: bool,
        scheme: Scheme | None,
        place: dict[str, Any],
    ) -> Any:
        del revision
        if scheme is None:
            return no_update
        return history_figure(place["run"], chosen_view(chosen, log), scheme, place["span"])

    @app.callback(
        Output("run-accuracy", "children"),
        Input("revision", "data"),
        State("run-id", "data"),
    )
    def tell_accuracy(_: Any, run: str) -> Any:
        return accuracy_panel(accuracy_meanings(current_store().run_document(run)))

    keep_view(app, "run-history")
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "shownSpan"),
        Output("run-span", "data"),
        Input("run-history", "relayoutData"),
        State("run-span", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "rememberCurves"),
        Input("run-detail", "value"),
        Input("run-value", "value"),
        Input("run-log", "checked"),
    )


def chosen_view(chosen: Mapping[str, str], log: bool) -> HistoryView:
    """The view that the controls stand at."""
    query = {key: value for key, value in chosen.items() if value}
    return HistoryView.from_query(query | ({"scale": "log"} if log else {}))


def history_figure(
    run: str, view: HistoryView, scheme: Scheme, span: Sequence[float] | None = None
) -> Any:
    """The chart of loss and accuracy; zoom is kept while the run and its output stay the same.

    Args:
        run: the run.
        view: what to show of it.
        scheme: the colour scheme to draw for.
        span: the first and last step that the reader has zoomed to: only what is near is then
            drawn, and more finely; None for the whole run.
    """
    store = current_store()
    columns = sorted(
        {batch_column("loss", view), batch_column("accuracy", view), "loss", "accuracy"}
    )
    steps = steps_around(span)
    batches = store.batch_series(run, columns, split="train", output=view.output, step_range=steps)
    epochs = store.epoch_rows(
        run, output=view.output, columns=figures.HISTORY_COLUMNS, step_range=steps
    )
    figure = figures.plot_history(epochs, batches, view, scheme, diverging_steps(run, view.output))
    return figure.update_layout(uirevision=f"{run}/{view.output}/{view.log}")


def diverging_steps(run: str, output: str | None) -> list[tuple[int, int]]:
    """The first and last step of each span in which loss and accuracy of an output part ways."""
    store = current_store()
    judged = [row for row in store.output_rows(run) if row["name"] == output]
    if not judged:
        return []
    rows = store.epoch_rows(run, output=output, columns=EPISODE_COLUMNS)
    ends = {row["epoch"]: row["step"] for row in rows}
    return [(ends[first], ends[last]) for _, first, last in diverging_epochs(rows, judged[0])]


def steps_around(span: Sequence[float] | None) -> tuple[int, int] | None:
    """The steps of a span, and half as many on both sides, so that lines go on beyond the edge."""
    if span is None:
        return None
    first, last = sorted(span)
    room = (last - first) / 2
    return max(0, math.floor(first - room)), max(0, math.ceil(last + room))
