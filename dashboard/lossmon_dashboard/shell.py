"""What frames every page: header, navigation, colour scheme, live indicator, routing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from lossmon.errors import RunNotFound, StoreError
from lossmon_dashboard.changes import register_changes, toast
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import no_database, not_found
from lossmon_dashboard.links import RULES, RUN, RUNS, page_link, read_query, split_path
from lossmon_dashboard.pages import PAGES
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import MANTINE, PAGE_WIDTH

ACTIVE_MS = 1000
IDLE_MS = 4000


def layout() -> dmc.MantineProvider:
    """The frame; the page itself is put into `page` by the router."""
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="tick", interval=ACTIVE_MS),
            # The address of the page that stands; `url` changes while that is still to be left.
            dcc.Store(id="place"),
            # The run that the address names now, where it is another than the one that stands.
            dcc.Store(id="newer"),
            dcc.Store(id="revision", data={}),
            dcc.Store(id="scheme"),
            toast(),
            html.A("Skip to content", href="#page", className="lossmon-skip"),
            dmc.AppShell(
                [dmc.AppShellHeader(_header()), dmc.AppShellMain(html.Div(id="page"))],
                header={"height": 56},
                padding="md",
            ),
        ],
        theme=MANTINE,
        defaultColorScheme="auto",
    )


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
    """Connect routing and the pulse that tells pages when something changed."""

    @app.callback(
        Output("page", "children"),
        Output("place", "data"),
        Input("url", "pathname"),
        Input("newer", "data"),
        State("url", "search"),
    )
    def show_page(pathname: str | None, _: Any, search: str | None) -> tuple[Any, str | None]:
        return render(pathname, search), pathname

    register_changes(app)
    app.clientside_callback(ClientsideFunction("lossmon", "nameTab"), Input("page", "children"))
    app.clientside_callback(
        ClientsideFunction("lossmon", "showPlace"),
        Output("scheme", "data"),
        Output("nav-runs", "className"),
        Output("nav-rules", "className"),
        Input("url", "pathname"),
    )

    @app.callback(
        Output("revision", "data"),
        Output("tick", "interval"),
        Output("live", "children"),
        Output("newer", "data"),
        Input("tick", "n_intervals"),
        Input("place", "data"),
        State("revision", "data"),
    )
    def pulse(_: int | None, place: str | None, seen: dict[str, Any]) -> tuple[Any, ...]:
        now = seen if place is None else observe(place, seen)
        if now == seen:
            return (no_update,) * 4
        interval = ACTIVE_MS if now["running"] else IDLE_MS
        indicator = live_indicator(now["running"], now.get("trouble"))
        return now, interval, indicator, newer_run(now, seen) or no_update


def render(pathname: str | None, search: str | None) -> Any:
    """The page that an address names, or a friendly one that says why there is none."""
    head, argument = split_path(pathname)
    page = next((page for page in PAGES if head == page.PATH), None)
    if page is None:
        return not_found(f"There is no page at {pathname}.")
    try:
        return page.layout(**read_query(search) | {"argument": argument})
    except RunNotFound as error:
        return not_found(str(error))
    except StoreError as error:
        return no_database(str(error))


def observe(pathname: str | None, seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """What pages redraw themselves by: equal to `seen` as long as nothing has changed.

    Args:
        pathname: the page that is shown; on the page of a run only that run counts.
        seen: what was observed before.
    """
    head, argument = split_path(pathname)
    place: dict[str, Any] = {"path": pathname}
    try:
        store = current_store()
        token = store.revision(argument if head == RUN else None)
        if seen.get("token") == token and seen.get("path") == pathname:
            return seen
        place |= {"run": store.resolve(argument)} if head == RUN and argument else {}
        running = store.running()
    except StoreError as error:
        return place | {"token": None, "running": 0, "trouble": str(error)}
    return place | {"token": token, "running": running}


def newer_run(now: Mapping[str, Any], seen: Mapping[str, Any]) -> str | None:
    """The run that an address names since it was last looked at; None where it is the same.

    `latest` is another run as soon as a training begins, and so is a name that is given again.
    """
    run = now.get("run")
    return run if now["path"] == seen.get("path") and run != seen.get("run") else None


def live_indicator(running: int, trouble: str | None = None) -> Any:
    """How many runs are training right now; nothing at all while none is.

    Args:
        running: the number of runs that are training.
        trouble: why the database cannot be read; None where it can.
    """
    if trouble is not None:
        return dmc.Tooltip(
            _badge("nothing to read", "orange"), label=trouble, multiline=True, w=320
        )
    if not running:
        return None
    noun = "run" if running == 1 else "runs"
    words = [str(running), html.Span(f" {noun} training", className="lossmon-wide")]
    return _badge(words, "blue", "lossmon-pulse")


def _badge(words: Any, colour: str, name: str = "") -> dmc.Badge:
    return dmc.Badge(
        words, color=colour, variant="dot", size="lg", className=f"lossmon-badge {name}"
    )
