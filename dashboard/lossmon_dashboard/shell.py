"""What frames every page: header, navigation, colour scheme, live indicator, routing."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

import dash
import dash_mantine_components as dmc
import flask
from dash import ClientsideFunction, Input, Output, State, dcc, html

from lossmon.errors import RunNotFound, StoreError
from lossmon_dashboard.changes import register_changes, toast
from lossmon_dashboard.clock import viewer_scheme
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import no_database, no_such_run, not_found
from lossmon_dashboard.links import RULES, RUNS, base, page_link, read_query, split_path
from lossmon_dashboard.news import observe
from lossmon_dashboard.pages import PAGES
from lossmon_dashboard.theme import MANTINE, PAGE_WIDTH


def layout() -> dmc.MantineProvider:
    """The frame with the page that is opened; further ones are put into it by the router."""
    address = _opened_address()
    pathname, search = (None, None) if address is None else (address.path, f"?{address.query}")
    page, seen = (None, {}) if pathname is None else _made(pathname, search)
    return dmc.MantineProvider(
        [
            # Where no address is told, that of the browser comes to the router by it.
            dcc.Location(id="url", refresh="callback-nav", **_known(pathname=pathname)),
            # The address of the page that stands; `url` changes while that is still to be left.
            dcc.Store(id="place", data=pathname),
            # The run that the address names now, where it is another than the one that stands.
            dcc.Store(id="newer"),
            # What was new when the page was made, and what is new since.
            dcc.Store(id="seen", data=seen),
            dcc.Store(id="revision", data={}),
            dcc.Store(id="scheme", data=viewer_scheme()),
            toast(),
            html.A("Skip to content", href="#page", className="lossmon-skip"),
            dmc.AppShell(
                [dmc.AppShellHeader(_header()), dmc.AppShellMain(html.Div(page, id="page"))],
                header={"height": 56},
                padding="md",
            ),
        ],
        theme=MANTINE,
        defaultColorScheme="auto",
    )


def _opened_address() -> SplitResult | None:
    """The address of the page that asks for its layout; None where the browser does not tell it."""
    told = flask.request.headers.get("Referer") if flask.has_request_context() else None
    try:
        address = urlsplit(told or "")
    except ValueError:
        return None
    return address if address.path.startswith(f"{base()}/") else None


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _made(pathname: str | None, search: str | None) -> tuple[Any, dict[str, Any]]:
    """A page, and what was new before it was made: what is written meanwhile is new to it."""
    seen = observe(pathname, search)
    return render(pathname, search), seen


def _header() -> dmc.Container:
    brand = dcc.Link(
        [html.Span(className="lossmon-mark"), html.Span("lossmon")],
        href=page_link(RUNS),
        className="lossmon-brand",
        title="lossmon: the honest meter for Keras training",
    )
    navigation = html.Nav(
        [
            dcc.Link("Runs", href=page_link(RUNS), id="nav-runs", className="lossmon-nav"),
            dcc.Link("Rules", href=page_link(RULES), id="nav-rules", className="lossmon-nav"),
        ],
        **spoken("Pages"),
    )
    toggle = dmc.ColorSchemeToggle(
        lightIcon=html.Span(className="lossmon-icon lossmon-sun"),
        darkIcon=html.Span(className="lossmon-icon lossmon-moon"),
        variant="subtle",
        color="gray",
        size="lg",
        **spoken("Switch between light and dark"),
    )
    return dmc.Container(
        [
            dmc.Group([brand, navigation], gap="lg", wrap="nowrap"),
            dmc.Group([html.Div(id="live", role="status"), toggle], gap="sm", wrap="nowrap"),
        ],
        size=PAGE_WIDTH,
        className="lossmon-header",
    )


def register(app: dash.Dash) -> None:
    """Connect routing, and what is told when something is new."""

    @app.callback(
        Output("page", "children"),
        Output("place", "data"),
        Output("seen", "data"),
        Input("url", "pathname"),
        Input("newer", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def show_page(pathname: str | None, _: Any, search: str | None) -> tuple[Any, ...]:
        page, seen = _made(pathname, search)
        return page, pathname, seen

    register_changes(app)
    app.clientside_callback(ClientsideFunction("lossmon", "nameTab"), Input("page", "children"))
    app.clientside_callback(
        ClientsideFunction("lossmon", "showPlace"),
        Output("scheme", "data"),
        Output("nav-runs", "className"),
        Output("nav-rules", "className"),
        Input("url", "pathname"),
        State("scheme", "data"),
    )
    # It sets `revision` and `newer` when it hears of anything.
    app.clientside_callback(
        ClientsideFunction("lossmon_pulse", "follow"),
        Output("live", "children"),
        Input("seen", "data"),
        Input("revision", "data"),
    )


def render(pathname: str | None, search: str | None) -> Any:
    """The page that an address names, or a friendly one that says why there is none."""
    head, argument = split_path(pathname)
    page = next((page for page in PAGES if head == page.PATH), None)
    if page is None:
        return not_found(f"There is no page at {pathname}.")
    try:
        return page.layout(**read_query(search) | {"argument": argument})
    except RunNotFound:
        return no_such_run(argument)
    except StoreError as error:
        return no_database(error)
