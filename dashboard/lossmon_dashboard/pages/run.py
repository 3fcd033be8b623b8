"""One run: what happened, and can its numbers be trusted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon_dashboard import figures
from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings, accuracy_panel
from lossmon_dashboard.components.findings import finding_list
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import back_to_runs, not_found
from lossmon_dashboard.components.panel import chart, own_height, panel
from lossmon_dashboard.components.run_header import run_header, run_summary
from lossmon_dashboard.components.run_settings import run_settings
from lossmon_dashboard.components.verification import (
    verification_grid,
    verification_rows,
    verification_summary,
)
from lossmon_dashboard.figures.history import HistoryView, batch_column
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.links import RUN
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH, Scheme

PATH = RUN
NAME = "Run"
WHOLE_MODEL = ""
"""The value of the output selector that stands for the model as a whole."""

Row = Mapping[str, Any]


def layout(argument: str | None = None, **query: str) -> dmc.Container | dmc.Center:
    """The page of a run, to be filled by callbacks.

    Args:
        argument: id, unique prefix or name of the run, or `latest`.
        query: the view, see `HistoryView`.

    Raises:
        RunNotFound: no run, or several, answer to that name.
        StoreError: the database cannot be read.
    """
    if argument is None:
        return not_found("This address names no run.")
    store = current_store()
    run = store.resolve(argument)
    outputs = store.run_document(run)["outputs"]
    view = HistoryView.from_query(query)
    return dmc.Container(
        dmc.Stack([dcc.Store(id="run-id", data=run), *_sections(outputs, view)], gap="md"),
        size=PAGE_WIDTH,
        px=0,
    )


def _sections(outputs: Sequence[Row], view: HistoryView) -> list[Any]:
    return [
        html.Div([back_to_runs(), html.Div(id="run-header")]),
        html.Section(id="run-findings", **spoken("Findings")),
        panel(
            "What “accuracy” means here",
            "Keras resolves the word from tensor shapes alone. This is what it became.",
            html.Div(id="run-accuracy"),
        ),
        panel(
            "Loss and accuracy",
            "Every batch is a faint line, every epoch a marked one. Drag to zoom: both charts "
            "follow. Values are lossmon's own second computation unless you choose otherwise.",
            _controls(outputs, view),
            chart("run-history", "Loss and accuracy over training steps", PAIR_HEIGHT),
        ),
        _confidence_panels(),
        panel(
            "Verification",
            "What Keras printed is a mean over the epoch while the weights were moving; its own "
            "value is that of the data alone; lossmon computes the same again, independently. "
            "The gap is printed minus recomputed.",
            dmc.Text(id="run-verified", fw=550, mb="sm"),
            verification_grid(
                "run-verification",
                several_outputs=len(outputs) > 1,
                accuracy=not outputs or any(output["accuracy_metric"] for output in outputs),
            ),
        ),
        html.Div(id="run-settings"),
    ]


def _confidence_panels() -> dmc.SimpleGrid:
    return dmc.SimpleGrid(
        [
            panel(
                "Right and wrong predictions",
                "When the loss rises while accuracy holds, it is usually a few wrong predictions "
                "made with more and more confidence.",
                chart("run-right-and-wrong", "Loss over right and over wrong predictions"),
            ),
            panel(
                "Calibration gap",
                "How much surer the model is than it is right. Above zero it is overconfident, "
                "below zero too cautious.",
                chart("run-calibration", "Confidence minus accuracy over training steps"),
            ),
            panel(
                "Reliability",
                "Of predictions made with 80 % confidence, 80 % should be right: bars below the "
                "dashed line are overconfident. Last validation epoch.",
                chart("run-reliability", "Share right by confidence"),
            ),
        ],
        id="run-confidence",
        cols={"base": 1, "md": 2, "lg": 3},
        spacing="md",
    )


def _controls(outputs: Sequence[Row], view: HistoryView) -> dmc.Group:
    named = [output["name"] for output in outputs] if len(outputs) > 1 else []
    choices = [{"value": WHOLE_MODEL, "label": "Whole model"}, *named]
    return dmc.Group(
        [
            _choice("run-detail", "Detail", view.detail, _DETAILS),
            _choice("run-value", "Values", view.value, _VALUES),
            html.Div(
                _choice("run-output", "Output", view.output or WHOLE_MODEL, choices),
                hidden=not named,
            ),
            dmc.Switch(id="run-log", label="Logarithmic loss", checked=view.log),
        ],
        gap="md",
        mb="xs",
    )


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


def _choice(identity: str, label: str, value: str, data: Sequence[Any]) -> html.Div:
    control = dmc.SegmentedControl(id=identity, value=value, data=list(data), size="sm")
    return html.Div(control, className="lossmon-choice", role="group", **spoken(label))


def register(app: dash.Dash) -> None:
    """Connect the panels to the run, the controls and the colour scheme."""

    @app.callback(
        Output("run-header", "children"),
        Output("run-findings", "children"),
        Output("run-accuracy", "children"),
        Output("run-verification", "rowData"),
        Output("run-verified", "children"),
        Output("run-settings", "children"),
        Input("revision", "data"),
        Input("run-id", "data"),
    )
    def describe(_: Any, run: str) -> tuple[Any, ...]:
        return description(current_store().run_document(run))

    @app.callback(
        Output("run-history", "figure"),
        Output("run-history", "style"),
        inputs={
            "revision": Input("revision", "data"),
            "chosen": {
                "detail": Input("run-detail", "value"),
                "value": Input("run-value", "value"),
                "output": Input("run-output", "value"),
            },
            "log": Input("run-log", "checked"),
            "scheme": Input("scheme", "data"),
            "run": State("run-id", "data"),
        },
    )
    def draw_history(
        revision: Any, chosen: dict[str, str], log: bool, scheme: Scheme | None, run: str
    ) -> tuple[Any, Any]:
        del revision
        if scheme is None:
            return no_update, no_update
        figure = history_figure(run, chosen_view(chosen, log), scheme)
        return figure, own_height(figure)

    @app.callback(
        Output("run-right-and-wrong", "figure"),
        Output("run-calibration", "figure"),
        Output("run-reliability", "figure"),
        Output("run-confidence", "display"),
        Input("revision", "data"),
        Input("run-output", "value"),
        Input("scheme", "data"),
        State("run-id", "data"),
    )
    def draw_confidence(_: Any, output: str, scheme: Scheme | None, run: str) -> tuple[Any, ...]:
        if scheme is None:
            return (no_update,) * 4
        rows = current_store().epoch_rows(run, output=output or None)
        return *confidence_figures(rows, scheme), "grid" if has_confidence(rows) else "none"

    app.clientside_callback(
        ClientsideFunction("lossmon", "nameTab"), Input("run-header", "children")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberRun"),
        Input("run-detail", "value"),
        Input("run-value", "value"),
        Input("run-log", "checked"),
        Input("run-output", "value"),
    )


def description(document: Row) -> tuple[Any, ...]:
    """Header, findings, meaning of accuracy, verification and settings of a run."""
    return (
        [run_header(document, viewer_zone()), run_summary(document)],
        finding_list(document["findings"]),
        accuracy_panel(accuracy_meanings(document)),
        verification_rows(document["epochs"]),
        verification_summary(document["epochs"]),
        run_settings(document),
    )


def chosen_view(chosen: Mapping[str, str], log: bool) -> HistoryView:
    """The view that the controls stand at."""
    query = {key: value for key, value in chosen.items() if value}
    return HistoryView.from_query(query | ({"scale": "log"} if log else {}))


def history_figure(run: str, view: HistoryView, scheme: Scheme) -> Any:
    """The chart of loss and accuracy; zoom is kept while the run and its output stay the same."""
    store = current_store()
    columns = sorted(
        {batch_column("loss", view), batch_column("accuracy", view), "loss", "accuracy"}
    )
    batches = store.batch_series(run, columns, split="train", output=view.output)
    epochs = store.epoch_rows(run, output=view.output)
    figure = figures.plot_history(epochs, batches, view, scheme)
    return figure.update_layout(uirevision=f"{run}/{view.output}/{view.log}")


def confidence_figures(rows: Sequence[Row], scheme: Scheme) -> tuple[Any, Any, Any]:
    """Right and wrong, calibration gap and reliability of one output."""
    val = [row for row in rows if row["split"] == "val"]
    bins = max(val, key=lambda row: row["epoch"])["reliability"] if val else None
    return (
        figures.plot_right_and_wrong(rows, scheme),
        figures.plot_calibration(rows, scheme),
        figures.plot_reliability(bins, scheme),
    )


def has_confidence(rows: Sequence[Row]) -> bool:
    """Whether there is anything to say of confidence, or of right and wrong predictions."""
    measured = ("loss_wrong", "loss_correct", "calibration_gap", "reliability")
    return any(row[name] is not None for row in rows for name in measured)
