"""A real server over a real database, and a real browser that notes whatever goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.install import find_chromium
from tests.dashboard.seed import seed
from tests.started import dashboard

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

OpenPage = Callable[..., Page]


@contextmanager
def serving(database: str) -> Generator[str]:
    with dashboard(database) as started:
        yield started.address


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    path = find_chromium()
    assert path, "expected a Chromium. Received: none. Fix: python -m tests.browser.install"
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Generator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a dashboard over every kind of run."""
    path = str(tmp_path_factory.mktemp("browser") / "runs.db")
    seed(path)
    with serving(path) as address:
        yield address


@pytest.fixture
def live(tmp_path: Path) -> Generator[tuple[str, str]]:
    """The address of a dashboard over a database that is not there yet, and its path."""
    path = str(tmp_path / "live.db")
    with serving(path) as address:
        yield address, path


@pytest.fixture
def open_page(browser: Browser) -> Generator[OpenPage]:
    """Opens pages of which the console must stay empty and that must ask no one else."""
    trouble: list[str] = []
    contexts: list[Any] = []

    def open_one(
        address: str, *, width: int = 1280, scheme: Any = "light", foreign: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            timezone_id="Asia/Tokyo",
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        own = re.match(r"http://[^/]+", address)
        assert own
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        if not foreign:
            page.on("request", lambda request: _note_foreign(request.url, own.group(), trouble))
        page.goto(address)
        expect(page.locator("#page h1, #page h2").first).to_be_visible(timeout=20_000)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert trouble == []


def _note_foreign(url: str, own: str, trouble: list[str]) -> None:
    if not url.startswith((own, "data:", "blob:")):
        trouble.append(f"request to {url}")
