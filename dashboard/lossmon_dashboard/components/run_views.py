"""Views of the list that a reader has named, and the keys by which it is used.

Views are kept by the browser, in its local storage: they are the reader's own, and nothing is
written to the database for them. A view is an address, so it can be sent to others as well.
"""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, html

from lossmon_dashboard.components.labels import CLOSE, FIRST, spoken
from lossmon_dashboard.components.prose import with_code

_KEYS = (
    ("/", "search"),
    ("↑ ↓", "go through the runs"),
    ("Space", "tick the run"),
    ("a", "tick all runs that are found, or none"),
    ("Enter", "open the run"),
    ("c", "compare the runs that are ticked"),
    ("?", "show these keys"),
)
_SEARCH = (
    "The search finds words in names, tags, notes, settings, rules and states; in one of these "
    "alone by `status:failed` or `tag:baseline`. Numbers it compares: `val_loss<0.1`, "
    "`accuracy>=90%`, `epochs=3`, and settings such as `lr>=0.01`."
)


def views_menu() -> dmc.Popover:
    """The named views, and the field that names the present one."""
    name = dmc.TextInput(
        id="views-name",
        placeholder="Name this view",
        size="sm",
        **spoken("Name of the view"),
        **FIRST,
    )
    return dmc.Popover(
        [
            dmc.PopoverTarget(dmc.Button("Views", id="views-open", variant="default")),
            dmc.PopoverDropdown(
                [
                    html.Div(id="views-list", className="lossmon-views"),
                    dmc.Group(
                        [name, dmc.Button("Save", id="views-save", size="sm", flex="none")],
                        gap="xs",
                        wrap="nowrap",
                    ),
                    dmc.Text(
                        "Search, filters, order, groups and columns. Kept in this browser.",
                        size="xs",
                        c="dimmed",
                        mt=6,
                    ),
                ]
            ),
        ],
        position="bottom-end",
        shadow="md",
        width=290,
        keepMounted=True,
        trapFocus=True,
        returnFocus=True,
    )


def keys_button() -> dmc.ActionIcon:
    """Opens the list of keys."""
    return dmc.ActionIcon(
        "?",
        id="keys-open",
        variant="default",
        size="lg",
        visibleFrom="sm",
        **spoken("Show the keys"),
    )


def keys_dialog() -> dmc.Modal:
    """The list of keys."""
    rows: list[Any] = [
        dmc.TableTr([dmc.TableTd(dmc.Kbd(key)), dmc.TableTd(words)]) for key, words in _KEYS
    ]
    return dmc.Modal(
        [
            dmc.Table(dmc.TableTbody(rows)),
            dmc.Text(with_code(_SEARCH), size="sm", mt="md"),
        ],
        id="keys-help",
        title="Keys",
        opened=False,
        closeButtonProps=CLOSE,
    )


def register_views(app: dash.Dash) -> None:
    """Connect the views and the button of the keys, which only the browser knows."""
    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "listViews"), Input("views-open", "n_clicks")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "saveView"),
        Output("views-name", "value"),
        Input("views-save", "n_clicks"),
        Input("views-name", "n_submit"),
        State("views-name", "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_runs", "showKeys"),
        Output("keys-help", "opened"),
        Input("keys-open", "n_clicks"),
        prevent_initial_call=True,
    )
