"""Addresses of the pages, written and read in one place."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote

from lossmon_dashboard.asked import current_request

RUNS = "/"
RUN = "/run"
COMPARE = "/compare"
RULES = "/rules"
NEWS = "/news"
CHART = "/chart"
MOST_COMPARED = 200


def base() -> str:
    """What stands before every address, where a proxy serves the dashboard below a path."""
    request = current_request()
    return "" if request is None else request.script_root


def page_link(path: str) -> str:
    """A page of the dashboard, as browsers ask for it."""
    return base() + path


def run_link(run: str) -> str:
    """The page of one run."""
    return page_link(f"{RUN}/{quote(run, safe='')}")


def runs_link(words: str) -> str:
    """The runs in which some words occur."""
    return page_link(f"{RUNS}?q={quote(words, safe='')}")


def rule_link(code: str) -> str:
    """The page of one rule."""
    return page_link(f"{RULES}/{quote(code, safe='')}")


def split_path(pathname: str | None) -> tuple[str, str | None]:
    """A path as (page, argument): `/run/abc` → (`/run`, `abc`), `/` → (`/`, None)."""
    head, _, tail = (pathname or "/").removeprefix(base()).strip("/").partition("/")
    return f"/{head}", unquote(tail) or None


def read_query(search: str | None) -> dict[str, str]:
    """The query of an address (`?a=b`) as a dictionary; the last of equal keys counts."""
    return dict(parse_qsl((search or "").removeprefix("?")))
