"""What was printed against what is: the gap, its reasons, and the table of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, html

from lossmon_dashboard.components.panel import panel
from lossmon_dashboard.components.printed_and_meant import printed_and_meant
from lossmon_dashboard.components.verification import (
    verification_grid,
    verification_rows,
    verification_summary,
)
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store

KEY = "verification"
TITLE = "Printed and true"
Row = Mapping[str, Any]


def content(run: OpenedRun) -> list[Any]:
    """The panels, to be filled by callbacks."""
    outputs = run.outputs
    return [
        panel(
            "Printed and meant",
            "Why the numbers that fit printed are not simply those of the data: the last epoch, "
            "reason by reason.",
            html.Div(id="run-printed"),
        ),
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
    ]


def register(app: dash.Dash) -> None:
    """Connect the panels to the run."""

    @app.callback(
        Output("run-printed", "children"),
        Output("run-verification", "rowData"),
        Output("run-verified", "children"),
        Input("revision", "data"),
        State("run-id", "data"),
    )
    def compare(_: Any, run: str) -> tuple[Any, ...]:
        return compared(current_store().epoch_rows(run))


def compared(epochs: Sequence[Row]) -> tuple[Any, Any, str]:
    """The reasons, the rows of the table, and its sum in words."""
    return printed_and_meant(epochs), verification_rows(epochs), verification_summary(epochs)
