"""Where loss and accuracy part ways, and why."""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, html, no_update

from lossmon.analysis import explain_splits
from lossmon_dashboard import figures
from lossmon_dashboard.components.divergence import divergence_panel
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel
from lossmon_dashboard.export import export_link
from lossmon_dashboard.run_tabs.absence import absent_panel, no_accuracy, read_rows
from lossmon_dashboard.run_tabs.episodes import explained
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "divergence"
TITLE = "Loss against accuracy"


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks; a sentence where they would stay empty."""
    rows, ended = read_rows(run)
    absence = no_accuracy(rows, run.outputs, ended=ended)
    if absence is not None:
        return [absent_panel(absence)]
    full = export_link(run.id, "epochs")
    return [
        panel(
            "Where loss and accuracy part ways",
            "Spans of epochs, shaded in the curves, in which loss and accuracy say different "
            "things of the model, by more than sampling error and the usual wobble.",
            html.Div(id="run-divergence"),
        ),
        panel(
            "Right and wrong predictions",
            "When the loss rises while accuracy holds, it is usually a few wrong predictions "
            "made with more and more confidence.",
            chart("run-right-and-wrong", "Loss over right and over wrong predictions", full=full),
        ),
    ]


def register(app: dash.Dash) -> None:
    """Connect the panels to the run, its output and the colour scheme."""

    @app.callback(
        Output("run-divergence", "children"),
        Input("run-news", "data"),
        State("run-id", "data"),
    )
    def explain(_: Any, run: str) -> Any:
        return told_divergence(run)

    @app.callback(
        Output(drawn("run-right-and-wrong"), "data"),
        Input("run-news", "data"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def draw(_: Any, output: str, scheme: Scheme | None, run: str) -> Any:
        if scheme is None:
            return no_update
        rows = current_store().epoch_rows(run, output=output or None)
        figure = figures.plot_right_and_wrong(rows, scheme)
        return figure.update_layout(uirevision=f"{run}/{output}")

    keep_view(app, "run-right-and-wrong")


def told_divergence(run: str) -> Any:
    """Every episode of a run of the database, explained down to the samples it comes from."""
    store = current_store()
    splits = explain_splits(store.epoch_rows(run), store.output_rows(run))
    ended = store.run_summary(run)["status"] != "running"
    return divergence_panel(explained(store, run), splits, ended=ended)
