"""A dashboard that asks for a token, met by a browser."""

from __future__ import annotations

import re
import socket
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.dashboard.seed import LIVE, start
from tests.dashboard.test_server import serving

pytestmark = pytest.mark.browser

SOON = 10_000


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "runs.db")
    start(path, LIVE, epochs=1).close()
    return path


@pytest.fixture
def address() -> str:
    """Of a port that is free, so that a dashboard can come back to it."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@contextmanager
def guarded(database: str, address: str) -> Generator[str]:
    """Serve on every address of this machine; gives what stands behind `#` of the printed link."""
    port = int(address.rpartition(":")[2])
    with serving(database, "0.0.0.0", port) as (process, _):
        assert process.stdout is not None
        printed = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"/(#token=\S+)", printed)
        assert found, printed
        yield found.group(1)


def test_the_printed_link_logs_in_and_forgets_the_token(
    database: str, address: str, page: Page
) -> None:
    with guarded(database, address) as fragment:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/{fragment}")
        expect(page.locator("#runs-grid")).to_contain_text("digits-live", timeout=SOON)
        assert page.url == f"{address}/"
        assert [url for url in asked if "token" in url.partition("#")[0]] == []
        assert page.evaluate("document.cookie").count("lossmon_zone") == 1
        (session,) = [c for c in page.context.cookies() if c.get("httpOnly")]
        assert session.get("value") not in {"", fragment.removeprefix("#token=")}
        page.goto(f"{address}/rules")
        expect(page.locator("h1")).to_have_text("Rules", timeout=SOON)


def test_an_open_page_asks_for_the_token_of_a_dashboard_that_was_started_anew(
    database: str, address: str, page: Page
) -> None:
    with guarded(database, address) as fragment:
        page.goto(f"{address}/run/latest?scale=log{fragment}")
        expect(page.locator("h1")).to_have_text("digits-live", timeout=SOON)
        shown = page.url
    with guarded(database, address) as fragment:
        expect(page.get_by_label("Token")).to_be_visible(timeout=SOON)
        page.emulate_media(color_scheme="dark")
        assert violations(page) == []
        page.emulate_media(color_scheme="light")
        assert violations(page) == []
        page.get_by_label("Token").fill(fragment.removeprefix("#token="))
        page.get_by_role("button").click()
        expect(page.locator("h1")).to_have_text("digits-live", timeout=SOON)
        assert page.url == shown
