"""How a run was set up, on what it ran, and what went wrong inside lossmon itself."""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, html

from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.components.run_settings import run_settings
from lossmon_dashboard.run_tabs.opened import OpenedRun
from lossmon_dashboard.source import current_store

KEY = "settings"
TITLE = "Settings"


def content(run: OpenedRun) -> list[Any]:
    """The room for the settings, to be filled by a callback."""
    del run
    return [html.Div(id="run-settings")]


def register(app: dash.Dash) -> None:
    """Connect the settings to the run."""

    @app.callback(
        Output("run-settings", "children"), Input("run-news", "data"), State("run-id", "data")
    )
    def tell(_: Any, run: str) -> Any:
        return run_settings(current_store().run_document(run), viewer_zone())
