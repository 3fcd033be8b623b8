"""The catalogue: what lossmon looks for, why it matters, and what to write instead."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, dcc, html

from lossmon.errors import InvalidArgument, StoreError
from lossmon.rules import rule_pages
from lossmon.store import Listed, RunQuery
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import not_found
from lossmon_dashboard.components.rule_page import fired_runs, rule_page, rule_rows
from lossmon_dashboard.links import RULES, page_link
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH

PATH = RULES
NAME = "Rules"

_READING_WIDTH = 920


def layout(
    argument: str | None = None, *, q: str = "", found: str = "", **_: str
) -> dmc.Container | dmc.Center:
    """The catalogue, or the page of one rule.

    Args:
        argument: code or name of a rule; None for the catalogue.
        q: words to search for.
        found: `1` for those rules alone that found something in a run.
    """
    if argument is None:
        catalogue = _catalogue(q, found=found == "1")
        return dmc.Container(dmc.Box(catalogue, maw=_READING_WIDTH), size=PAGE_WIDTH, px=0)
    try:
        page = rule_pages([argument])[0]
    except InvalidArgument as error:
        return not_found(str(error))
    back = dcc.Link("← All rules", href=page_link(RULES), className="lossmon-link")
    return dmc.Container(
        dmc.Box([back, rule_page(page), _fired(page.code)], maw=_READING_WIDTH),
        size=PAGE_WIDTH,
        px=0,
    )


def _fired(code: str) -> html.Div:
    return html.Div(fired_runs(code, _runs_by_rule().get(code, [])), id="rules-runs")


def _runs_by_rule() -> dict[str, list[Listed]]:
    """The runs in sight in which each rule found something, the newest first."""
    found: dict[str, list[Listed]] = {}
    try:
        runs = current_store().listed_runs(RunQuery(), measured=True)
    except StoreError:
        return found
    for run in runs:
        for code in {rule.partition(" ")[0] for rule in run["rules_found"]}:
            found.setdefault(code, []).append(run)
    return found


def _catalogue(q: str, *, found: bool) -> dmc.Stack:
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
            dmc.Group(
                [
                    dmc.TextInput(
                        id="rules-search",
                        value=q,
                        placeholder="Search rules",
                        debounce=150,
                        w=320,
                        **spoken("Search rules"),
                    ),
                    dmc.Switch(id="rules-found", label="Only what was found", checked=found),
                ]
            ),
            html.Div(id="rules-list"),
        ],
        gap="md",
    )


def register(app: dash.Dash) -> None:
    """Connect the search."""

    @app.callback(
        Output("rules-list", "children"),
        Input("rules-search", "value"),
        Input("rules-found", "checked"),
        Input("revision", "data"),
    )
    def search(words: str | None, found: bool | None, _: Any) -> Any:
        return catalogue(words or "", found=bool(found))

    app.clientside_callback(
        ClientsideFunction("lossmon", "rememberRules"),
        Input("rules-search", "value"),
        Input("rules-found", "checked"),
    )


def catalogue(words: str, *, found: bool = False) -> Any:
    """The rules in which all the words occur, each with the number of runs that it fired on."""
    fired = {code: len(runs) for code, runs in _runs_by_rule().items()}
    pages = [page for page in rule_pages() if not found or page.code in fired]
    return rule_rows(pages, words, fired)
