"""What a page may change about runs, how it is undone, and where that is not allowed.

Pages read by connections that cannot write. A change comes as a question of its own, is checked
like all others, and opens a connection that can for as long as it takes. Runs are deleted in two
steps: they are put out of sight first, which can be undone, and only what is out of sight can be
deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, dcc, html, no_update

from lossmon.errors import LossmonError
from lossmon.store import RunQuery
from lossmon_dashboard.source import current_store
from lossmon_dashboard.wording import count

READ_ONLY = "lossmon.read_only"
Change = Mapping[str, Any]


def toast() -> html.Div:
    """Says what was changed, and takes it back for some seconds; on every page."""
    return html.Div(
        [
            dcc.Store(id="runs-change"),
            dcc.Store(id="runs-changed"),
            html.Div(
                [
                    html.Span(id="toast-words"),
                    dmc.Button("Undo", id="toast-undo", size="compact-sm", variant="default"),
                ],
                id="toast",
                className="lossmon-toast",
                hidden=True,
            ),
        ],
        role="status",
    )


def register_changes(app: dash.Dash) -> None:
    """Connect the changes, unless the dashboard may only read."""
    if app.server.config[READ_ONLY]:
        return

    @app.callback(
        Output("runs-changed", "data"),
        Input("runs-change", "data"),
        prevent_initial_call=True,
    )
    def change(wanted: dict[str, Any] | None) -> Any:
        return no_update if wanted is None else carry_out(wanted)

    app.clientside_callback(
        ClientsideFunction("lossmon_edits", "tellChange"), Input("runs-changed", "data")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_edits", "undoChange"), Input("toast-undo", "n_clicks")
    )


def carry_out(change: Change) -> dict[str, Any]:
    """Do what is asked, or say why not.

    Args:
        change: "put", the values to set by run and column ("tags" may say which to "add" and to
            "remove"); "number", where one name for several is told apart by numbers; "then" where
            the runs are to be deleted unless that is undone; or "delete", the runs to delete, which
            must be out of sight.

    Returns:
        "said", and "undo" (the "put" that takes it back) and "delete" where there is such; "at"
        as it was given, so that no two answers are the same.
    """
    try:
        done = _delete(change["delete"]) if "delete" in change else _put(change)
    except LossmonError as error:
        done = {"said": str(error), "failed": True}
    return {**done, "at": change.get("at")}


def _put(change: Change) -> dict[str, Any]:
    wanted = change.get("put") or {}
    values = _with_tags(_numbered(wanted) if change.get("number") else wanted)
    deleting = change.get("then") == "delete"
    if deleting:
        _demand_ended(list(values))
    before = current_store().change(values)
    runs = count(len(values), "run")
    if deleting:
        return {"said": f"{runs} deleted.", "undo": before, "delete": list(values)}
    return {"said": f"{runs} {_deed(values)}.", "undo": before}


def _numbered(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same, the names followed by numbers, in the order in which the runs began."""
    listed = current_store().listed_runs(RunQuery(archived=True, order=(("started", False),)))
    began = [run["id"] for run in listed if run["id"] in values]
    numbers = {run: place for place, run in enumerate(began, start=1)}
    return {
        run: {
            column: f"{value} {numbers[run]}" if column == "name" and run in numbers else value
            for column, value in wanted.items()
        }
        for run, wanted in values.items()
    }


def _with_tags(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same with the tags that runs will have, where it says which to add and to remove."""
    listed = current_store().listed_runs(RunQuery(archived=True))
    present = {run["id"]: run["tags"] for run in listed}
    return {
        run: {
            column: _tags(present.get(run, []), value)
            if column == "tags" and isinstance(value, Mapping)
            else value
            for column, value in wanted.items()
        }
        for run, wanted in values.items()
    }


def _tags(present: Sequence[str], change: Mapping[str, Sequence[str]]) -> list[str]:
    kept = [tag for tag in present if tag not in change.get("remove", ())]
    added = (tag.strip() for tag in change.get("add", ()))
    return list(dict.fromkeys([*kept, *(tag for tag in added if tag)]))


def _deed(values: Mapping[str, Mapping[str, Any]]) -> str:
    changed = {column: value for one in values.values() for column, value in one.items()}
    if "archived" in changed:
        return "archived" if changed["archived"] else "back in sight"
    return "renamed" if set(changed) == {"name"} else "changed"


def _demand_ended(run_ids: Sequence[str]) -> None:
    listed = current_store().listed_runs(RunQuery(archived=True))
    wanted = set(run_ids)
    running = [run["name"] for run in listed if run["id"] in wanted and run["status"] == "running"]
    if running:
        raise LossmonError(
            f"expected runs that have ended. Received: {', '.join(running[:3])}, still training. "
            "Fix: stop the training first."
        )


def _delete(run_ids: Sequence[str]) -> dict[str, Any]:
    store = current_store()
    _demand_ended(run_ids)
    hidden = {run["id"] for run in store.listed_runs(RunQuery(archived=True)) if run["archived"]}
    deleted = store.delete([run for run in run_ids if run in hidden])
    return {"said": "" if deleted == len(run_ids) else f"{count(deleted, 'run')} deleted."}
