"""axe-core, which finds what keeps people from using a page."""

from __future__ import annotations

import time
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

SOON = 5.0
"""Seconds in which a page comes to rest."""

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def violations(page: Page) -> list[tuple[str, str]]:
    """What is wrong with a page at rest: the rule, and the first place that breaks it."""
    page.evaluate(_AXE)
    end = time.monotonic() + SOON
    while True:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        # Colours that are changing are between two that can be read.
        if not found or time.monotonic() > end:
            return [(one["id"], one["nodes"][0]["html"][:300]) for one in found]
        page.wait_for_timeout(200)
