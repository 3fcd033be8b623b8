"""How the main pages look: at three sizes, light and dark, over runs that are always the same.

`make snapshots` writes what they look like to `tests/browser/snapshots`, for people to look at
before they commit it.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from lossmon.records import RunRecord
from tests.browser.conftest import FLAGS, serving
from tests.browser.install import find_chromium
from tests.dashboard.seed import SCENARIOS, Scenario, write

SNAPSHOTS = Path(__file__).parent / "snapshots"
MADE_BY = SNAPSHOTS / "chromium.json"
WIDEST = 1920
"""Wider pictures are kept at half their size."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES = {"phone": (390, 844), "desk": (1280, 900), "4k": (3840, 2160)}
# What is there once a page has been filled.
PAGES = {
    "runs": ("/", ["#runs-grid .ag-center-cols-container svg path"]),
    "run": ("/run/digits-overfit", ["#run-history .legendtext"]),
    "compare": (
        "/compare?runs=digits-cnn,digits-overfit,digits-nan",
        ["#compare-overlay .legendtext", "#compare-weighed td", "#compare-pareto .legendtext"],
    ),
    "rules": ("/rules", [".lossmon-rule"]),
}

_BEGAN = 1_750_000_000.0
_LASTED = 272.0
_ALIKE = 4
"""So many pictures in turn, half a second apart, show that a page is at rest."""


class Still(Scenario):
    """A run whose id, times and machine are always the same."""

    def record(self, age: float = 0.0) -> RunRecord:
        identity = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        began = _BEGAN - 60 * age
        return replace(super().record(), id=identity, started=began, host="desk", pid=1)


def seed_still(db: str) -> None:
    """Record every scenario of the seed as a `Still` one."""
    for age, scenario in enumerate(SCENARIOS):
        known = {field.name: getattr(scenario, field.name) for field in fields(scenario)}
        write(db, Still(**known), age=age)
    with closing(sqlite3.connect(db)) as connection, connection:
        ended = {"ended": "started + :lasted", "heartbeat": "started + :lasted"}
        changed = ", ".join(f"{column} = {value}" for column, value in ended.items())
        connection.execute(f"UPDATE runs SET {changed}, duration = :lasted", {"lasted": _LASTED})


class Look(NamedTuple):
    """A page as it stands in the browser.

    Attributes:
        name: of the picture.
        page: where it stands.
    """

    name: str
    page: Page


def open_still(browser: Browser) -> Page:
    """A page for which it is always the same time, place and language."""
    context = browser.new_context(timezone_id="UTC", locale="en-GB", reduced_motion="reduce")
    return context.new_page()


def looks(page: Page, address: str) -> Iterator[Look]:
    """Show every page at every size, light and dark.

    Args:
        page: where to show them.
        address: of a dashboard over `seed_still`.
    """
    for name, (path, filled) in PAGES.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address + path)
        for part in filled:
            page.locator(part).first.wait_for(state="attached", timeout=20_000)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.wait_for_load_state("networkidle")
                yield Look(f"{name}-{size}-{scheme}", page)


def picture(page: Page) -> Image.Image:
    """What is seen of a page, at most `WIDEST` pixels wide."""
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    if shot.width > WIDEST:
        shot = shot.resize((shot.width // 2, shot.height // 2), Image.Resampling.LANCZOS)
    return shot.convert("RGB")


def at_rest(page: Page) -> Image.Image:
    """What is seen of a page once that no longer changes."""
    seen = [picture(page)]
    while len(seen) < _ALIKE or any(one != seen[-1] for one in seen[-_ALIKE:]):
        page.wait_for_timeout(500)
        seen.append(picture(page))
    return seen[-1]


def kept_as(name: str) -> Path:
    """Where the picture of a page is kept."""
    return SNAPSHOTS / f"{name}.webp"


def main() -> None:
    """Write all pictures anew, and by which browser they were made."""
    SNAPSHOTS.mkdir(exist_ok=True)
    installed = find_chromium()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = str(Path(folder) / "runs.db")
        seed_still(path)
        chromium = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        with serving(path) as address, closing(chromium) as browser:
            for look in looks(open_still(browser), address):
                at_rest(look.page).save(kept_as(look.name), quality=80, method=6)
                sys.stdout.write(f"{look.name}\n")
            MADE_BY.write_text(json.dumps({"chromium": browser.version}) + "\n")


if __name__ == "__main__":
    main()
