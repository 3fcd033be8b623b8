"""What stands above the list of runs: search, grouping, columns, views, what to do with runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.run_columns import COLUMNS, CONFIG
from lossmon_dashboard.components.run_editor import edit_menu
from lossmon_dashboard.components.run_groups import group_choices
from lossmon_dashboard.components.run_views import keys_button, views_menu
from lossmon_dashboard.links import MOST_COMPARED


def run_tools(
    q: str,
    *,
    archived: bool,
    by: str,
    columns: Sequence[str],
    settings: Sequence[str],
    editable: bool,
) -> dmc.Group:
    """The controls of the list.

    Args:
        q: words that are searched for.
        archived: whether archived runs are shown too.
        by: what the runs are grouped by.
        columns: the columns that are shown.
        settings: the columns `config.…` that there are.
        editable: whether runs can be changed.
    """
    search = dmc.TextInput(
        id="runs-search",
        placeholder="Search runs",
        value=q,
        className="lossmon-search",
        debounce=200,
        **spoken("Search runs"),
    )
    return dmc.Group(
        [
            search,
            dmc.Select(
                id="runs-by",
                data=group_choices(settings),
                value=by or None,
                placeholder="Group by",
                clearable=True,
                searchable=True,
                className="lossmon-by",
                **spoken("Group by"),
            ),
            _columns(columns, settings),
            dmc.Switch(id="runs-archived", label="Archived", checked=archived),
            views_menu(),
            keys_button(),
            *([edit_menu()] if editable else []),
            dmc.Button("Compare", id="runs-compare", disabled=True, **_MOST),
        ],
        className="lossmon-tools",
    )


def _columns(shown: Sequence[str], settings: Sequence[str]) -> dmc.Popover:
    choices = dmc.CheckboxGroup(
        html.Div(column_choices(settings, shown), id="runs-columns-choices"),
        id="runs-columns",
        value=list(shown),
    )
    return dmc.Popover(
        [
            dmc.PopoverTarget(dmc.Button("Columns", variant="default", id="runs-columns-open")),
            dmc.PopoverDropdown(
                [choices, dmc.Button("As usual", id="runs-columns-usual", **_SMALL)],
                className="lossmon-choices",
            ),
        ],
        position="bottom-end",
        shadow="md",
        width=250,
        keepMounted=True,
        trapFocus=True,
        returnFocus=True,
    )


_MOST: dict[str, Any] = {"data-most": MOST_COMPARED}
_SMALL: dict[str, Any] = {"size": "compact-sm", "variant": "subtle", "mt": "xs"}


def column_choices(settings: Iterable[str], shown: Sequence[str] = ()) -> dmc.Stack:
    """A box to tick for each column that the list may have.

    Args:
        settings: the columns `config.…` that there are.
        shown: columns that are shown, which can be hidden even if no run has them.
    """
    own = [(c["field"], c["headerName"]) for c in COLUMNS if c["field"] != "name"]
    keys = dict.fromkeys([*settings, *(field for field in shown if field.startswith(CONFIG))])
    config = [(key, key.removeprefix(CONFIG)) for key in keys]
    heading = dmc.Text("Config", size="xs", c="dimmed", mt=6)
    parts: list[Any] = [_box(*one) for one in own]
    return dmc.Stack([*parts, *([heading] if config else []), *(_box(*c) for c in config)], gap=6)


def _box(value: str, label: str) -> dmc.Checkbox:
    return dmc.Checkbox(value=value, label=label, size="sm")
