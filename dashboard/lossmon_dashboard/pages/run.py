"""One run: what happened, and can its numbers be trusted?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.analysis import verdict
from lossmon.rules import rule_summaries
from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.components.findings import finding_panel
from lossmon_dashboard.components.notice import not_found
from lossmon_dashboard.components.run_header import run_header, run_summary
from lossmon_dashboard.components.run_panels import Head, output_choices, run_panels, tab_room
from lossmon_dashboard.components.verdict import verdict_panel
from lossmon_dashboard.documents import read_documents
from lossmon_dashboard.links import RUN
from lossmon_dashboard.run_tabs import TABS, USUAL, OpenedRun
from lossmon_dashboard.run_tabs.episodes import explained
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import PAGE_WIDTH

PATH = RUN
NAME = "Run"
Row = Mapping[str, Any]


def layout(argument: str | None = None, **query: str) -> dmc.Container | dmc.Center:
    """The page of a run, with all that its open tab shows at first.

    Args:
        argument: id, unique prefix or name of the run, or `latest`.
        query: the view: which tab, and what its controls stand at.

    Raises:
        RunNotFound: no run, or several, answer to that name.
        StoreError: the database cannot be read.
    """
    if argument is None:
        return not_found("This address names no run.")
    store = current_store()
    run = store.resolve(argument)
    (document,) = read_documents([run])
    opened = OpenedRun(run, document["outputs"], query)
    header, findings, *_, news = (*description(document), news_of(document))
    head = Head(header, findings, told_verdict(run), opened.outputs, opened.output)
    rooms = dict(zip((tab.KEY for tab in TABS), tab_contents(opened), strict=True))
    titles = {tab.KEY: tab.TITLE for tab in TABS}
    return dmc.Container(
        dmc.Stack(
            [
                dcc.Store(id="run-id", data=run),
                dcc.Store(id="run-opened"),
                dcc.Store(id="run-news", data=news),
                *run_panels(head, tab_of(query), titles, rooms),
            ],
            gap="md",
        ),
        size=PAGE_WIDTH,
        px=0,
        # The style sheet leaves head and curves of it.
        className="lossmon-light" if query.get("light") else None,
    )


def tab_of(query: Mapping[str, str]) -> str:
    """The tab that an address names; the usual one where it names none that there is."""
    named = query.get("tab")
    return next((tab.KEY for tab in TABS if named == tab.KEY), USUAL)


def tab_contents(opened: OpenedRun) -> tuple[Any, ...]:
    """What fills the room of each tab: the open one's content, nothing for the others."""
    tab = tab_of(opened.query)
    # Not None: Dash keeps the places of what None replaces, and fails on what comes late for them.
    return tuple(one.content(opened) if tab == one.KEY else [] for one in TABS)


def register(app: dash.Dash) -> None:
    """Connect the head, the verdict, the findings and the tabs to the run."""

    @app.callback(
        Output("run-header", "children"),
        Output("run-findings", "children"),
        Output("run-output", "data"),
        Output("run-output-choice", "hidden"),
        Output("run-news", "data"),
        Input("revision", "data"),
        State("run-id", "data"),
        State("run-news", "data"),
        prevent_initial_call=True,
    )
    def describe(_: Any, run: str, known: str | None) -> tuple[Any, ...]:
        (document,) = read_documents([run])
        told, news = description(document), news_of(document)
        return (told[0], *[no_update] * len(told)) if news == known else (*told, news)

    @app.callback(
        Output("run-verdict", "children"),
        Input("run-news", "data"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    def sum_up(_: str | None, run: str) -> Any:
        return told_verdict(run)

    # The browser says what is opened and what the address, which only it knows, says of the view.
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "openTab"),
        Output("run-opened", "data"),
        Input("run-tabs", "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        *(Output(tab_room(tab.KEY), "children") for tab in TABS),
        Input("run-opened", "data"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    def open_tab(query: dict[str, str] | None, run: str) -> tuple[Any, ...]:
        return tab_contents(OpenedRun(run, current_store().output_rows(run), query or {}))

    for tab in TABS:
        tab.register(app)
    app.clientside_callback(
        ClientsideFunction("lossmon", "nameTab"), Input("run-header", "children")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "followHash"), Input("page", "children")
    )
    app.clientside_callback(
        ClientsideFunction("lossmon_run", "rememberOutput"), Input("run-output", "value")
    )


def news_of(document: Row) -> str:
    """What is another text once there is more to tell of a run than further batches.

    All but curves and head of a page waits for it: a training makes many batches, few epochs.
    """
    names = ("id", "status", "resumes", "findings", "rules", "outputs", "troubles", "withdrawn")
    epochs = [(row["epoch"], row["time"]) for row in document["epochs"]]
    told = repr(([document[name] for name in names], epochs))
    return f"{zlib.crc32(told.encode('utf-8', 'replace')):08x}"


def told_verdict(run: str) -> Any:
    """What a run of the database comes to."""
    store = current_store()
    document = read_documents([run])[0]
    found = verdict(document, explained(store, run), rule_summaries())
    ended = document["status"] != "running"
    return html.Div(verdict_panel(found), className="lossmon-result" if ended else None)


def description(document: Row) -> tuple[Any, ...]:
    """What fills the head of the page, in the order of its outputs."""
    return (
        [run_header(document, viewer_zone()), run_summary(document)],
        finding_panel(document["findings"], document["rules"], document["withdrawn"]),
        *output_choices(document["outputs"]),
    )
