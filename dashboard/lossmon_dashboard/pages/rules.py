"""The catalogue: what lossmon looks for, why it matters, and what to write instead."""

from __future__ import annotations

import dash
import dash_mantine_components as dmc
from dash import Input, Output, dcc, html

from lossmon.errors import InvalidArgument
from lossmon.rules import rule_pages
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import not_found
from lossmon_dashboard.components.rule_page import rule_page, rule_rows
from lossmon_dashboard.links import RULES, page_link
from lossmon_dashboard.theme import PAGE_WIDTH

PATH = RULES
NAME = "Rules"

_READING_WIDTH = 920


def layout(argument: str | None = None, *, q: str = "", **_: str) -> dmc.Container | dmc.Center:
    """The catalogue, or the page of one rule.

    Args:
        argument: code or name of a rule; None for the catalogue.
        q: words to search for.
    """
    if argument is None:
        return dmc.Container(dmc.Box(_catalogue(q), maw=_READING_WIDTH), size=PAGE_WIDTH, px=0)
    try:
        page = rule_pages([argument])[0]
    except InvalidArgument as error:
        return not_found(str(error))
    back = dcc.Link("← All rules", href=page_link(RULES), className="lossmon-link")
    return dmc.Container(
        dmc.Box([back, rule_page(page)], maw=_READING_WIDTH), size=PAGE_WIDTH, px=0
    )


def _catalogue(q: str) -> dmc.Stack:
    return dmc.Stack(
        [
            html.Div(
                [
                    dmc.Title("Rules", order=1, size="h2", className="lossmon-title"),
                    dmc.Text(
                        "What lossmon looks for while you train. It judges by values, never by "
                        "names, and stays silent about what it does not know.",
                        c="dimmed",
                        size="sm",
                    ),
                ]
            ),
            dmc.TextInput(
                id="rules-search",
                value=q,
                placeholder="Search rules",
                debounce=150,
                maw=320,
                **spoken("Search rules"),
            ),
            html.Div(id="rules-list"),
        ],
        gap="md",
    )


def register(app: dash.Dash) -> None:
    """Connect the search."""

    @app.callback(Output("rules-list", "children"), Input("rules-search", "value"))
    def search(words: str | None) -> object:
        return rule_rows(rule_pages(), words or "")
