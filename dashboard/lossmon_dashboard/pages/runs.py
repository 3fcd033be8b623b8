"""The list of runs: which of them can I trust?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.errors import StoreError
from lossmon.store import SETTING, RunPage, groups_of
from lossmon_dashboard.changes import READ_ONLY
from lossmon_dashboard.components.grid import grid
from lossmon_dashboard.components.notice import no_database, no_runs_yet
from lossmon_dashboard.components.run_columns import CONFIG, chosen_columns, run_columns
from lossmon_dashboard.components.run_editor import edit_dialog, register_editor
from lossmon_dashboard.components.run_found import why_nothing
from lossmon_dashboard.components.run_groups import group_choices, group_grid, group_rows
from lossmon_dashboard.components.run_query import run_query
from lossmon_dashboard.components.run_rows import run_grid_row
from lossmon_dashboard.components.run_tools import column_choices, run_tools
from lossmon_dashboard.components.run_views import keys_dialog, register_views
from lossmon_dashboard.links import RUNS
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH
from lossmon_dashboard.ticked import ASKED, question, register_ticks, tick_line
from lossmon_dashboard.wording import count

PATH = RUNS
NAME = "Runs"

AT_ONCE = 100
"""Rows that the grid asks for at a time."""

_ROW, _HEADER = 42, 68
"""Heights in pixels, the header with the bar to scroll by."""
_HELP = (
    "Loss and accuracy are those of the validation data, computed a second time by lossmon where "
    "that was possible, with the 95 % interval in which they may lie on other data of the same "
    "kind. “Verified” is the share of epoch values that agree with what Keras computed, “Val "
    "meant” the accuracy that was meant where the printed one is misread. Tick two or more to "
    "compare; the box above the others ticks all that are found."
)


def layout(
    argument: str | None = None,
    *,
    q: str = "",
    filter: str = "",  # noqa: A002 - the word that stands in the address
    sort: str = "started:desc",
    archived: str = "",
    by: str = "",
    group: str | None = None,
    cols: str = "",
    **_: str,
) -> html.Div:
    """The page.

    Args:
        argument: not used; the list has no parts.
        q: words to search for.
        filter: filters of the columns, as JSON.
        sort: `column:asc` or `column:desc`, several separated by commas.
        archived: `1` where archived runs are shown too.
        by: what the runs are grouped by.
        group: the group whose runs are shown; all where None.
        cols: the columns that are shown, separated by commas.
    """
    del argument
    shown, settings = chosen_columns(cols), _settings()
    editable = not flask.current_app.config[READ_ONLY]
    tools = run_tools(
        q,
        archived=archived == "1",
        by=by,
        columns=shown,
        settings=settings,
        editable=editable,
    )
    body = [
        dmc.Group([_heading(), tools], justify="space-between", align="end", mb="md"),
        html.Div(group_grid(), id="runs-grouped", hidden=not by),
        html.Div(id="runs-within"),
        _grid(shown, _filters(filter), sort),
        dmc.Text(_HELP, size="sm", c="dimmed", mt="sm"),
        keys_dialog(),
        *([edit_dialog()] if editable else []),
    ]
    return html.Div(
        [
            dcc.Store(id="runs-group", data=group),
            dcc.Store(id="runs-settings", data=settings),
            dcc.Store(id="runs-found"),
            dcc.Store(id="runs-refreshed"),
            html.Div(id="runs-notice"),
            dmc.Container(body, id="runs-body", size=PAGE_WIDTH, px=0, display="none"),
        ]
    )


def _heading() -> html.Div:
    return html.Div(
        [
            dmc.Title("Runs", order=1, size="h2", className="lossmon-title"),
            dmc.Text(id="runs-summary", c="dimmed", size="sm"),
            tick_line(),
        ]
    )


def _grid(shown: Sequence[str], filters: dict[str, Any], sort: str) -> Any:
    parts = (part.partition(":") for part in sort.split(","))
    order = {column: way for column, _, way in parts if way in ("asc", "desc")}
    return grid(
        "runs-grid",
        run_columns(shown, order),
        rowModelType="infinite",
        getRowId="params.data.id",
        filterModel=filters,
        persistence=False,
        dashGridOptions={
            "cacheBlockSize": AT_ONCE,
            "maxBlocksInCache": 4,
            "maxConcurrentDatasourceRequests": 1,
            "blockLoadDebounceMillis": 50,
            "suppressFieldDotNotation": True,
            # The name is pinned once the list is there: the other columns must not slide about.
            "suppressColumnMoveAnimation": True,
            "rowSelection": {"mode": "multiRow", "headerCheckbox": False},
            "selectionColumnDef": {
                "width": 46,
                "pinned": "left",
                "headerComponent": "TickAll",
            },
            "localeText": {"noRowsToShow": "No run matches."},
        },
    )


def _filters(text: str) -> dict[str, Any]:
    try:
        filters = json.loads(text or "{}")
    except ValueError:
        return {}
    return filters if isinstance(filters, dict) else {}


def _settings() -> list[str]:
    """The columns `config.…` that the runs have."""
    try:
        settings = current_store().config_columns()
    except StoreError:
        return []
    return [key for key in settings if "," not in key]


def register(app: dash.Dash) -> None:
    """Connect the grid, the search and the selection."""
    _connect_rows(app)
    _connect_columns(app)
    register_ticks(app)
    register_views(app)
    if not app.server.config[READ_ONLY]:
        register_editor(app)


def _connect_rows(app: dash.Dash) -> None:
    @app.callback(
        Output("runs-notice", "children"),
        Output("runs-body", "display"),
        Input("revision", "data"),
    )
    def greet(_: Any) -> tuple[Any, str]:
        return greeting()

    @app.callback(
        Output("runs-grid", "getRowsResponse"),
        Output("runs-summary", "children"),
        Output("runs-grid", "style"),
        Output("runs-found", "data"),
        inputs={
            "request": Input("runs-grid", "getRowsRequest"),
            "asked": {name: State(*place) for name, place in ASKED.items()},
            "shown": State("runs-columns", "value"),
        },
    )
    def fill(
        request: dict[str, Any] | None, asked: dict[str, Any], shown: list[str] | None
    ) -> tuple[Any, ...]:
        return (no_update,) * 4 if request is None else contents(request, asked, shown or ())

    @app.callback(
        Output("runs-groups", "rowData"),
        Output("runs-groups", "style"),
        Output("runs-grouped", "hidden"),
        Output("runs-within", "children"),
        inputs={
            "revision": Input("revision", "data"),
            "asked": {name: Input(*place) for name, place in ASKED.items()},
            "filters": Input("runs-grid", "filterModel"),
        },
    )
    def group(revision: Any, asked: dict[str, Any], filters: Any) -> tuple[Any, ...]:
        del revision
        return grouping(asked, filters)

    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "refreshRuns"),
        # Without an output, Dash would ask for the list on pages that have none.
        Output("runs-refreshed", "data"),
        Input("revision", "data"),
        Input("runs-search", "value"),
        Input("runs-archived", "checked"),
        Input("runs-group", "data"),
        Input("runs-by", "value"),
        Input("runs-columns", "value"),
        prevent_initial_call=True,
    )
    # It tells `ticks.js` as well: of callbacks without output that listen to the same, Dash calls
    # one alone.
    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "showFound"), Input("runs-found", "data")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "pickGroup"),
        Output("runs-group", "data"),
        Input("runs-groups", "cellClicked"),
        Input("runs-by", "value"),
        State("runs-group", "data"),
        prevent_initial_call=True,
    )


def _connect_columns(app: dash.Dash) -> None:
    @app.callback(
        Output("runs-columns-choices", "children"),
        Output("runs-by", "data"),
        Output("runs-settings", "data"),
        Input("revision", "data"),
        State("runs-settings", "data"),
        State("runs-columns", "value"),
        prevent_initial_call=True,
    )
    def offer(_: Any, known: list[str] | None, shown: list[str] | None) -> tuple[Any, Any, Any]:
        settings = _settings()
        if settings == known:  # What is in the reader's hands stays as it is.
            return no_update, no_update, no_update
        return column_choices(settings, shown or ()), group_choices(settings), settings

    @app.callback(
        Output("runs-grid", "columnDefs"),
        Input("runs-columns", "value"),
        prevent_initial_call=True,
    )
    def choose(shown: list[str] | None) -> Any:
        return run_columns(shown or ())

    app.clientside_callback(
        ClientsideFunction("lossmon", "usualColumns"),
        Output("runs-columns", "value"),
        Input("runs-columns-usual", "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberRuns"),
        Input("runs-search", "value"),
        Input("runs-grid", "filterModel"),
        Input("runs-grid", "columnState"),
        Input("runs-archived", "checked"),
        Input("runs-by", "value"),
        Input("runs-group", "data"),
        Input("runs-columns", "value"),
    )


def greeting() -> tuple[Any, str]:
    """What stands in place of the list, and whether the list is shown."""
    try:
        known = current_store().has_runs()
    except StoreError as error:
        return no_database(error), "none"
    return (None, "block") if known else (no_runs_yet(), "none")


def contents(
    request: Mapping[str, Any], asked: Mapping[str, Any], shown: Sequence[str]
) -> tuple[dict[str, Any], str, dict[str, str], int]:
    """Rows for the grid, what the summary says, how high the grid is, how many runs there are."""
    query = run_query(request, **question(asked))
    start = int(request.get("startRow") or 0)
    stop = min(int(request.get("endRow") or start + AT_ONCE), start + 10 * AT_ONCE)
    try:
        page = current_store().run_page(query, start, stop)
    except StoreError:
        page = RunPage([], 0, 0, 0)
    settings = [field for field in shown if field.startswith(CONFIG)]
    rows = [run_grid_row(run, settings) for run in page.rows]
    return (
        {"rowData": rows, "rowCount": page.found},
        summary(page) if page.found else why_nothing(query.words, _settings()) or summary(page),
        height(page.found),
        page.found,
    )


def grouping(asked: Mapping[str, Any], filters: Any) -> tuple[Any, ...]:
    """Rows of the groups, their height, whether they are hidden, and which of them is shown."""
    by, group = asked["by"], asked["group"]
    if not by:
        return [], {}, True, None
    request = {"filterModel": filters if isinstance(filters, dict) else {}}
    query = run_query(request, **question({**asked, "group": None}))
    try:
        rows = group_rows(current_store().run_groups(query, by))
        alone = sum(not groups_of(run, by) for run in current_store().listed_runs(query))
    except StoreError:
        rows, alone = [], 0
    if group is None:
        words: Any = "All runs; choose a group to see its own."
        words += _BY_CONFIG if by == SETTING else ""
        if alone:
            words += f" {count(alone, 'run')} in none of them."
    else:
        words = ["Runs of ", dmc.Code(group), "; choose it again to see all."]
    tall = {"height": f"clamp(150px, {_ROW * len(rows) + _HEADER}px, 300px)"}
    return rows, tall, False, dmc.Text(words, **_QUIET)


_BY_CONFIG = (
    " Runs of one config may differ in what it does not name, such as the optimiser; Compare takes "
    "all that was recorded."
)
_QUIET: dict[str, Any] = {"size": "sm", "c": "dimmed", "my": "xs"}


def height(runs: int) -> dict[str, str]:
    """As high as its rows, but no higher than the window, and never too low for a menu."""
    return {"height": f"clamp(340px, {_ROW * runs + _HEADER}px, calc(100dvh - 230px))"}


def summary(page: RunPage) -> str:
    """How many runs there are, how many train, and how many have a meaningless number."""
    parts = [count(page.found, "run")]
    if page.training:
        parts.append(f"{page.training} training")
    if page.faulty or page.found:
        parts.append(f"{page.faulty} with errors" if page.faulty else "no errors found")
    return " · ".join(parts)
