"""What was printed against what is: the gap, its reasons, and the table of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, html, no_update

from lossmon_dashboard import figures
from lossmon_dashboard.components.panel import chart, drawn, keep_view, panel
from lossmon_dashboard.components.printed_and_meant import printed_and_meant
from lossmon_dashboard.components.verification import (
    verification_grid,
    verification_rows,
    verification_summary,
)
from lossmon_dashboard.export import export_link
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

KEY = "verification"
TITLE = "Printed and true"
Row = Mapping[str, Any]


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks."""
    full = export_link(run.id, "epochs")
    outputs = run.outputs
    misread = any(output["intended_metric"] for output in outputs)
    return [
        *([_meant_panel(full)] if misread else []),
        panel(
            "Why the printed numbers differ",
            "Why the numbers that fit printed are not simply those of the data: the last epoch, "
            "reason by reason.",
            html.Div(id="run-printed"),
        ),
        panel(
            "The gap",
            "Printed minus recomputed, epoch by epoch, penalties included: the same mean over the "
            "epoch, computed twice. What such a mean hides is told above. Where a gap is a mistake "
            "there is a cross; else it is how Keras weighs batches of different sizes.",
            chart("run-gap", "Printed minus recomputed", PAIR_HEIGHT, full=full),
        ),
        panel(
            "Verification",
            "What Keras printed is a mean over the epoch while the weights were moving; its own "
            "value is the same mean without penalties; lossmon computes that again, "
            "independently. The gap is printed minus recomputed.",
            dmc.Text(id="run-verified", fw=550, mb="sm"),
            verification_grid(
                "run-verification",
                several_outputs=len(outputs) > 1,
                accuracy=not outputs or any(output["accuracy_metric"] for output in outputs),
            ),
        ),
    ]


def _meant_panel(full: str) -> Any:
    return panel(
        "Printed against meant",
        "The accuracy that fit printed, dotted, and the one that was meant, from the same "
        "predictions.",
        chart("run-meant", "Printed and meant accuracy by epoch", full=full),
    )


def register(app: dash.Dash) -> None:
    """Connect the panels to the run."""

    @app.callback(
        Output("run-printed", "children"),
        Output("run-verification", "rowData"),
        Output("run-verified", "children"),
        Input("run-news", "data"),
        State("run-id", "data"),
    )
    def compare(_: Any, run: str) -> tuple[Any, ...]:
        return compared(current_store().epoch_rows(run))

    def gap(_: Any, output: str, scheme: Scheme | None, run: str) -> Any:
        if scheme is None:
            return no_update
        return drawn_rows(figures.plot_gap, run, output, scheme)

    def meant(_: Any, output: str, scheme: Scheme | None, run: str) -> Any:
        return (
            no_update if scheme is None else drawn_rows(figures.plot_printed, run, output, scheme)
        )

    for identity, draw in (("run-gap", gap), ("run-meant", meant)):
        app.callback(
            Output(drawn(identity), "data"),
            Input("run-news", "data"),
            Input("run-output", "value"),
            Input("scheme", "data"),
            State("run-id", "data"),
        )(draw)
    keep_view(app, "run-gap", "run-meant")


def drawn_rows(plot: Any, run: str, output: str | None, scheme: Scheme) -> Any:
    """A chart of the epochs of one output."""
    columns = dict.fromkeys((*figures.GAP_COLUMNS, *figures.PRINTED_COLUMNS))
    rows = current_store().epoch_rows(run, output=output or None, columns=list(columns))
    return plot(rows, scheme).update_layout(uirevision=f"{run}/{output}")


def compared(epochs: Sequence[Row]) -> tuple[Any, Any, str]:
    """The reasons, the rows of the table, and its sum in words."""
    return printed_and_meant(epochs), verification_rows(epochs), verification_summary(epochs)
