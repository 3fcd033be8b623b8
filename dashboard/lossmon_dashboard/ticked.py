"""Which runs of the list are ticked, be they shown or not, and what is known of them.

The browser keeps them (`assets/ticks.js`): the grid has only the rows that were looked at. All
that a search finds comes from the store, as ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.errors import StoreError
from lossmon.store import RunQuery
from lossmon_dashboard.changes import READ_ONLY
from lossmon_dashboard.components.run_query import run_query
from lossmon_dashboard.source import current_store

MOST_TICKED = 10_000
"""How many of those that are found are ticked at once."""

ASKED: Mapping[str, tuple[str, str]] = {
    "words": ("runs-search", "value"),
    "archived": ("runs-archived", "checked"),
    "by": ("runs-by", "value"),
    "group": ("runs-group", "data"),
}
"""Where the page says what is looked for, beside the filters of the grid."""


def tick_line() -> html.Div:
    """Says how many runs are ticked."""
    stores = ("runs-all-asked", "runs-all", "runs-asked", "runs-told")
    untick = dmc.Button(
        "Untick", id="runs-untick", variant="subtle", size="compact-sm", display="none"
    )
    return html.Div(
        [
            *(dcc.Store(id=identity) for identity in stores),
            dmc.Text(id="runs-ticked", size="sm", fw=600, span=True),
            untick,
        ],
        role="status",
        className="lossmon-ticked",
    )


def register_ticks(app: dash.Dash) -> None:
    """Connect what is ticked to the label, to the comparison, and to the dialogs of changes."""

    @app.callback(
        Output("runs-all", "data"),
        inputs={
            "request": Input("runs-all-asked", "data"),
            "asked": {name: State(*place) for name, place in ASKED.items()},
        },
        prevent_initial_call=True,
    )
    def find(request: dict[str, Any] | None, asked: dict[str, Any]) -> Any:
        return no_update if request is None else all_found(request, asked)

    functions = {
        "addAll": [Input("runs-all", "data")],
        "hearQuestion": [
            *(Input(*place) for place in ASKED.values()),
            Input("runs-grid", "filterModel"),
        ],
        "untick": [Input("runs-untick", "n_clicks")],
    }
    for name, inputs in functions.items():
        app.clientside_callback(ClientsideFunction("lossmon_ticks", name), *inputs)
    app.clientside_callback(
        ClientsideFunction("lossmon_ticks", "compare"),
        Output("url", "href"),
        Input("runs-compare", "n_clicks"),
        prevent_initial_call=True,
    )
    if not app.server.config[READ_ONLY]:

        @app.callback(
            Output("runs-told", "data"),
            Input("runs-asked", "data"),
            prevent_initial_call=True,
        )
        def tell(asked: dict[str, Any] | None) -> Any:
            return no_update if asked is None else told_of(asked)


def question(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is looked for, as `run_query` takes it."""
    return {**asked, "words": asked["words"] or "", "archived": bool(asked["archived"])}


def all_found(request: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The runs that are found, at most `MOST_TICKED`, in the order of the list.

    Args:
        request: filters and order, as the grid has them, and "at".
        asked: by the names of `ASKED`, what is looked for.
    """
    try:
        listed = current_store().listed_runs(run_query(request, **question(asked)))
    except StoreError:
        listed = []
    return {"runs": [run["id"] for run in listed[:MOST_TICKED]], "at": request.get("at")}


def told_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the dialogs begin with: what some runs have in common, and the first one's own.

    Args:
        asked: "runs", their ids; further parts are given back.

    Returns:
        "runs" that are there, "name" and "notes" of the first, "tags" of all, and whether all of
        them are "archived".
    """
    listed = {run["id"]: run for run in current_store().listed_runs(RunQuery(archived=True))}
    runs = [listed[run] for run in asked["runs"] if run in listed]
    common = set.intersection(*(set(run["tags"]) for run in runs)) if runs else set[str]()
    first: Mapping[str, Any] = runs[0] if runs else {"name": "", "notes": None, "tags": []}
    return {
        **asked,
        "runs": [run["id"] for run in runs],
        "name": first["name"],
        "notes": first["notes"] or "",
        "tags": [tag for tag in first["tags"] if tag in common],
        "archived": all(run["archived"] for run in runs),
    }
