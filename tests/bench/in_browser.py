"""How long a reader waits in Chromium, by a stopwatch that runs in the page itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.install import find_chromium

PATIENCE = 120.0
_FROM_THE_START = """{
    const look = () => {
        if ((%s)()) { window.benchTook = performance.now(); }
        else { requestAnimationFrame(look); }
    };
    requestAnimationFrame(look);
}"""
_FROM_AN_EVENT = """() => {
    window.benchBegan = window.benchTook = null;
    const begin = () => (window.benchBegan = performance.now());
    addEventListener("%s", begin, {capture: true, once: true});
    const look = () => {
        if (window.benchBegan !== null && (%s)()) {
            window.benchTook = performance.now() - window.benchBegan;
        } else {
            requestAnimationFrame(look);
        }
    };
    requestAnimationFrame(look);
}"""


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser as the tests use it."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def new_page(browser: Browser) -> Generator[Page]:
    """A page of an empty browser: nothing is cached."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def opened(page: Page, address: str, condition: str) -> float:
    """Seconds from an address to what its page is opened for."""
    page.add_init_script(_FROM_THE_START % condition)
    page.goto(address)
    return _took(page)


def after(page: Page, event: str, condition: str, action: Callable[[], None]) -> float:
    """Seconds from an event that an action makes until a condition holds."""
    page.evaluate(_FROM_AN_EVENT % (event, condition))
    action()
    return _took(page)


def zoom_in(page: Page, pane: str, share: tuple[float, float]) -> None:
    """Drag over a part of a chart, as slowly as a hand does: charts leave out what is quicker."""
    found = page.locator(pane).first
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    first, last = (box["x"] + part * box["width"] for part in share)
    page.mouse.move(first, middle)
    page.wait_for_timeout(500)
    page.mouse.down()
    for part in (0.3, 0.6, 1.0):
        page.wait_for_timeout(100)
        page.mouse.move(first + part * (last - first), middle + 2, steps=4)
    page.wait_for_timeout(100)
    page.mouse.up()


def _took(page: Page) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        took = page.evaluate("window.benchTook")
        if took:
            return took / 1e3
        page.wait_for_timeout(20)
    raise TimeoutError(f"expected what is waited for within {PATIENCE:.0f} s")
