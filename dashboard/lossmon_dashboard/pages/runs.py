"""The list of runs: which of them can I trust?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, Patch, State, html, no_update

from lossmon.errors import StoreError
from lossmon_dashboard.components.grid import (
    drawn_column,
    grid,
    number_column,
    run_grid_row,
    text_column,
)
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import no_database, no_runs_yet
from lossmon_dashboard.links import MOST_COMPARED, RUNS, compare_link
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH
from lossmon_dashboard.wording import count

PATH = RUNS
NAME = "Runs"

_ROW, _HEADER = 42, 68
"""Heights in pixels, the header with the bar to scroll by."""

_TIME = {"function": "formatTime(params.value)"}
_COLUMNS = (
    drawn_column("name", "Name", 190, "RunName", minWidth=150),
    drawn_column("flags", "Findings", 156, "Findings", filter="agNumberColumnFilter"),
    drawn_column("status", "Status", 106, "RunStatus"),
    drawn_column("verified", "Verified", 126, "Verified", filter="agNumberColumnFilter"),
    drawn_column("sparkline", "Loss so far", 116, "Sparkline", sortable=False, filter=False),
    number_column("val_loss", "Val loss", 92),
    number_column("val_accuracy", "Val acc.", 92),
    number_column("val_intended_accuracy", "Meant", 92),
    text_column("accuracy_metric", "Accuracy means", 240),
    number_column("loss", "Train loss", 112),
    number_column("accuracy", "Train acc.", 112),
    number_column("epochs", "Epochs", 96),
    text_column("started", "Started", 186, valueFormatter=_TIME, tooltipField=None),
    number_column("duration", "Duration", 122, "formatDuration"),
    text_column("project", "Project", 140),
    drawn_column("tags", "Tags", 180, "Tags"),
)


def layout(
    argument: str | None = None,
    *,
    q: str = "",
    filter: str = "",  # noqa: A002 - the word that stands in the address
    sort: str = "started:desc",
    archived: str = "",
    **_: str,
) -> html.Div:
    """The page.

    Args:
        argument: not used; the list has no parts.
        q: words to search for.
        filter: filters of the columns, as JSON.
        sort: `column:asc` or `column:desc`, several separated by commas.
        archived: `1` where archived runs are shown too.
    """
    del argument
    return html.Div(
        [
            html.Div(id="runs-notice"),
            dmc.Container(
                [
                    dmc.Group(
                        [_heading(), _tools(q, archived=archived == "1")],
                        justify="space-between",
                        align="end",
                        mb="md",
                    ),
                    _grid(q, _filters(filter), sort),
                    dmc.Text(
                        "Loss and accuracy are those of the last epoch, computed a second time by "
                        "lossmon where that was possible. “Verified” is the share of epoch values "
                        "that agree with what Keras computed, “meant” the accuracy that was "
                        "intended where the printed one is misread. Tick two or more to compare.",
                        size="sm",
                        c="dimmed",
                        mt="sm",
                    ),
                ],
                id="runs-body",
                size=PAGE_WIDTH,
                px=0,
                display="none",
            ),
        ]
    )


def _heading() -> html.Div:
    return html.Div(
        [
            dmc.Title("Runs", order=1, size="h2", className="lossmon-title"),
            dmc.Text(id="runs-summary", c="dimmed", size="sm"),
        ]
    )


def _tools(q: str, *, archived: bool) -> dmc.Group:
    search = dmc.TextInput(
        id="runs-search",
        placeholder="Search runs",
        value=q,
        className="lossmon-search",
        debounce=200,
        **spoken("Search runs"),
    )
    button = dmc.Button("Compare", id="runs-compare", disabled=True)
    switch = dmc.Switch(id="runs-archived", label="Archived", checked=archived)
    return dmc.Group([switch, search, button], wrap="nowrap", className="lossmon-tools")


def _grid(q: str, filters: dict[str, Any], sort: str) -> Any:
    directions = {
        column: way for column, _, way in (part.partition(":") for part in sort.split(","))
    }
    columns = [
        column | ({"sort": directions[column["field"]]} if column["field"] in directions else {})
        for column in _COLUMNS
    ]
    return grid(
        "runs-grid",
        columns,
        getRowId="params.data.id",
        filterModel=filters,
        persistence=False,
        dashGridOptions={
            "quickFilterText": q,
            "rowSelection": {"mode": "multiRow", "headerCheckbox": True},
            "selectionColumnDef": {"width": 46, "pinned": "left"},
            "localeText": {"noMatchingRows": "No run matches.", "noRowsToShow": "No runs."},
        },
    )


def _filters(text: str) -> dict[str, Any]:
    try:
        filters = json.loads(text or "{}")
    except ValueError:
        return {}
    return filters if isinstance(filters, dict) else {}


def register(app: dash.Dash) -> None:
    """Connect the grid, the search and the selection."""

    @app.callback(
        Output("runs-grid", "rowData"),
        Output("runs-summary", "children"),
        Output("runs-notice", "children"),
        Output("runs-body", "display"),
        Output("runs-grid", "style"),
        Input("revision", "data"),
        Input("runs-archived", "checked"),
    )
    def fill(_: Any, archived: bool | None) -> tuple[Any, ...]:
        return contents(archived=bool(archived))

    @app.callback(
        Output("runs-grid", "dashGridOptions"),
        Input("runs-search", "value"),
        prevent_initial_call=True,
    )
    def search(words: str | None) -> Patch:
        changed = Patch()
        changed["quickFilterText"] = words or ""
        return changed

    @app.callback(
        Output("runs-compare", "disabled"),
        Output("runs-compare", "children"),
        Input("runs-grid", "selectedRows"),
    )
    def offer(selected: Sequence[dict[str, Any]] | None) -> tuple[bool, str]:
        return comparison_offer(len(selected or ()))

    @app.callback(
        Output("url", "href"),
        Input("runs-compare", "n_clicks"),
        State("runs-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def compare(clicks: int | None, selected: Sequence[dict[str, Any]] | None) -> Any:
        # The button comes with its page, which Dash takes for a change of `n_clicks`.
        return compare_link(row["id"] for row in selected or ()) if clicks else no_update

    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberRuns"),
        Input("runs-search", "value"),
        Input("runs-grid", "filterModel"),
        Input("runs-grid", "columnState"),
        Input("runs-archived", "checked"),
    )


def contents(
    *, archived: bool = False
) -> tuple[list[dict[str, Any]], str, Any, str, dict[str, str]]:
    """Rows of the grid, the summary, the notice, whether the grid is shown and how high it is."""
    try:
        runs = current_store().run_rows(archived=archived)
        hidden = not runs and not archived and bool(current_store().run_rows(archived=True))
    except StoreError as error:
        return [], "", no_database(str(error)), "none", {}
    if not runs and not hidden:
        return [], "", no_runs_yet(), "none", {}
    return [run_grid_row(run) for run in runs], summary(runs), None, "block", height(len(runs))


def height(runs: int) -> dict[str, str]:
    """As high as its rows, but no higher than the window, and never too low for a menu."""
    return {"height": f"clamp(340px, {_ROW * runs + _HEADER}px, calc(100dvh - 230px))"}


def summary(runs: Sequence[dict[str, Any]]) -> str:
    """How many runs there are, how many train, and how many have a meaningless number."""
    training = sum(run["status"] == "running" for run in runs)
    faulty = sum(any(f["severity"] == "error" for f in run["findings"]) for run in runs)
    parts = [count(len(runs), "run")]
    if training:
        parts.append(f"{training} training")
    parts.append(f"{faulty} with errors" if faulty else "no errors found")
    return " · ".join(parts)


def comparison_offer(selected: int) -> tuple[bool, str]:
    """Whether the button is disabled, and what it says."""
    if selected < 2:
        return True, "Compare"
    if selected > MOST_COMPARED:
        return True, f"Compare at most {MOST_COMPARED}"
    return False, f"Compare {selected} runs"
