"""How the main pages look: nothing overlaps or is cut off, and nothing changes unnoticed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.conftest import serving
from tests.browser.looks import MADE_BY, kept_as, looks, open_still, picture, seed_still

pytestmark = pytest.mark.browser

LAYOUT = Path(__file__).with_name("layout.js").read_text()
SOON = 20.0
"""Seconds in which a page comes to rest."""
BLOCK = 10
"""Pixels of the side of a square whose mean colour is compared: letters may be drawn otherwise."""
STEP = 20
"""How far a square's colour (0 to 255) must be off to count as changed."""
CHANGED = 0.01
"""The share of squares that may be."""

MENDED = "Fix: where that is meant, `make snapshots`, look at them, and commit them"
BROKEN = {
    "h1": "width: 20px; overflow: hidden; white-space: nowrap",
    ".lossmon-panel": "position: absolute; left: -50px; width: 60px",
}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that always shows the same."""
    path = str(tmp_path_factory.mktemp("looks") / "runs.db")
    seed_still(path)
    with serving(path) as address:
        yield address


def squares(image: Image.Image) -> np.ndarray:
    """The mean colour of each square of an image."""
    size = image.width // BLOCK, image.height // BLOCK
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), dtype=float)


def difference(page: Page, name: str) -> float:
    """The share of squares in which a page looks other than its snapshot."""
    kept, now = (squares(one) for one in (Image.open(kept_as(name)), picture(page)))
    return float((np.abs(kept - now).max(axis=-1) > STEP).mean())


def faults(page: Page, name: str, *, compared: bool, patient: bool) -> list[str]:
    """What is wrong with a page once it has come to rest, or now where there is no patience."""
    end = time.monotonic() + SOON * patient
    while True:
        found = page.evaluate(LAYOUT)
        if not found and compared and (share := difference(page, name)) > CHANGED:
            found = [f"{share:.1%} of it look other than its snapshot. {MENDED}"]
        if not found or time.monotonic() > end:
            return [f"{name}: {fault}" for fault in found]
        page.wait_for_timeout(100)


def test_the_main_pages_look_as_people_have_seen_them(still: str, browser: Browser) -> None:
    # Another Chromium draws letters and lines otherwise.
    compared = json.loads(MADE_BY.read_text())["chromium"] == browser.version
    page = open_still(browser)
    found: list[str] = []
    for look in looks(page, still):
        found += faults(look.page, look.name, compared=compared, patient=not found)
    assert found == []
    # What it looks for is seen where it is.
    assert difference(page, "rules-4k-light") > CHANGED
    for part, style in BROKEN.items():
        page.locator(part).first.evaluate("(part, style) => (part.style.cssText = style)", style)
    told = " ".join(page.evaluate(LAYOUT))
    assert all(word in told for word in ("cut off: H1", "out of the window: DIV", "no room: DIV"))
    page.context.close()
