"""Is the model as right as it is sure? For each epoch, and over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, html, no_update

from lossmon_dashboard import figures
from lossmon_dashboard.components.calibration import calibration_numbers
from lossmon_dashboard.components.epochs import epoch_slider, followed
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel
from lossmon_dashboard.export import export_link
from lossmon_dashboard.run_tabs.absence import (
    absent_panel,
    no_calibration,
    no_temperature,
    read_rows,
)
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "calibration"
TITLE = "Calibration"
Row = Mapping[str, Any]

_COURSE = (*figures.RECOVERABLE_COLUMNS, "calibration_gap")


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks; a sentence where they would stay empty."""
    rows, ended = read_rows(run)
    absence = no_calibration(rows, run.outputs, ended=ended)
    if absence is not None:
        return [absent_panel(absence)]
    full = export_link(run.id, "epochs")
    known = validated_epochs(run.id, run.output)
    return [
        panel(
            "Reliability",
            "Of predictions made with 80 % confidence, 80 % should be right: bars below the "
            "dashed line are overconfident. Move the slider to see how it came to be.",
            epoch_slider("run-epoch", "Epoch", known, run.query.get("epoch")),
            html.Div(
                [
                    chart("run-reliability", "Share right by confidence", full=full),
                    html.Div(id="run-confidence"),
                ],
                className="lossmon-beside",
            ),
        ),
        dmc.SimpleGrid(
            [
                panel(
                    "Calibration gap",
                    "How much surer the model is than it is right. Above zero it is overconfident, "
                    "below zero too cautious.",
                    chart(
                        "run-calibration",
                        "Confidence minus accuracy by epoch",
                        full=full,
                    ),
                ),
                panel(
                    "Recoverable loss",
                    "The shaded part of the validation loss is wrong confidence alone: one number, "
                    "the temperature, would take it away without changing a single decision.",
                    chart(
                        "run-recoverable",
                        "Validation loss and its recoverable part",
                        full=full,
                    ),
                ),
            ],
            cols={"base": 1, "md": 2},
            spacing="md",
        ),
    ]


def register(app: dash.Dash) -> None:
    """Connect the panels to the run, its output, the epoch and the colour scheme."""

    @app.callback(
        Output("run-epoch", "max"),
        Output("run-epoch", "marks"),
        Output("run-epoch", "value"),
        Output("run-epoch", "disabled"),
        Input("run-news", "data"),
        Input("run-output", "value"),
        State("run-epoch", "max"),
        State("run-epoch", "value"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    def follow(_: Any, output: str, last: int, at: int, run: str) -> tuple[Any, ...]:
        return followed(validated_epochs(run, output or None), last, at)

    @app.callback(
        Output("run-confidence", "children"),
        Output(drawn("run-reliability"), "data"),
        Input("run-epoch", "value"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def show_epoch(
        epoch: int | None, output: str, scheme: Scheme | None, run: str
    ) -> tuple[Any, Any]:
        if scheme is None:
            return no_update, no_update
        row = validation_row(run, output or None, (epoch or 1) - 1)
        figure = figures.plot_reliability(None if row is None else row["reliability"], scheme)
        return calibration_numbers(row), figure.update_layout(uirevision=f"{run}/{output}")

    @app.callback(
        Output(drawn("run-calibration"), "data"),
        Output(drawn("run-recoverable"), "data"),
        Input("run-news", "data"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def draw_course(_: Any, output: str, scheme: Scheme | None, run: str) -> tuple[Any, Any]:
        if scheme is None:
            return no_update, no_update
        gap, recoverable = course_figures(run, output or None, scheme)
        return gap, recoverable

    keep_view(app, "run-reliability", "run-calibration", "run-recoverable")
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "rememberEpoch"),
        Input("run-epoch", "value"),
        State("run-epoch", "max"),
    )


def validated_epochs(run: str, output: str | None) -> Sequence[int]:
    """The epochs of an output that were validated, ascending from 0."""
    rows = current_store().epoch_rows(run, split="val", output=output, columns=["epoch"])
    return [row["epoch"] for row in rows]


def validation_row(run: str, output: str | None, epoch: int) -> Row | None:
    """The validation row of one epoch; None where there is none."""
    store = current_store()
    places = store.epoch_rows(run, split="val", output=output, columns=["epoch", "step"])
    steps = [row["step"] for row in places if row["epoch"] == epoch]
    if not steps:
        return None
    near = store.epoch_rows(run, split="val", output=output, step_range=(steps[0], steps[0]))
    return next((row for row in near if row["epoch"] == epoch), None)


def course_figures(run: str, output: str | None, scheme: Scheme) -> tuple[Any, Any]:
    """Calibration gap and recoverable loss of an output, epoch by epoch."""
    store, place = current_store(), f"{run}/{output}"
    rows = store.epoch_rows(run, output=output, columns=_COURSE)
    why = no_temperature(
        rows,
        several=output is None and len(store.output_rows(run)) > 1,
        sampled=bool(store.sample_epochs(run, output=output)),
        ended=store.run_summary(run)["status"] != "running",
    )
    nothing = {} if why is None else {"nothing": why}
    return (
        figures.plot_calibration(rows, scheme).update_layout(uirevision=place),
        figures.plot_recoverable(rows, scheme, **nothing).update_layout(uirevision=place),
    )
