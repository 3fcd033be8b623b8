"""The same data in TensorBoard and in lossmon, looked at in Chromium in turn.

One run of a million steps and 200 of 5,000, two scalars a step: how long a reader waits for the
first chart, for a part of it, and for another run (`beside`); and what each server works while
nobody trains, and while eight runs are written at the same rate for both (`beside-live`). And how
soon epochs that end show in a comparison in lossmon (`compared-live`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page
from rich.console import Console

from tests.bench.beside_data import Beside, many, one_long
from tests.bench.beside_live import compared, live
from tests.bench.contestants import (
    LEAST_RELOAD_S,
    LOSSMON,
    TENSORBOARD,
    Started,
    Uses,
    listen,
    lossmon,
    reload_often,
    tensorboard,
)
from tests.bench.in_browser import after, chromium, new_page, opened, zoom_in
from tests.bench.pages import serving
from tests.bench.recorded import SPIKE

ROUNDS = 3
_SPIKES = "a spike of one step shown, rounds"
_ZOOMS = ((0.2, 0.3), (0.4, 0.5), (0.6, 0.7))
_DATA = (
    "(() => {const chart = document.querySelector('#run-history .js-plotly-plot');"
    " return chart ? chart.data.find(one => one.uid === 'loss-batch').x : 0})()"
)


class Contestant(NamedTuple):
    """A dashboard, and how it is used."""

    name: str
    serve: Callable[[Beside], AbstractContextManager[Started]]
    uses: Uses
    of_long: str
    of_many: str
    prepare: Callable[[Page], None] = listen
    """What is done with a page before it is opened."""


CONTESTANTS = (
    Contestant("TensorBoard", tensorboard, TENSORBOARD, "/#timeseries", "/#timeseries"),
    Contestant("lossmon", lossmon, LOSSMON, "/run/long", "/"),
)

LIVE = (
    CONTESTANTS[0]._replace(name="TensorBoard (reads new data each 5 s, its page asks for none)"),
    CONTESTANTS[0]._replace(
        name="TensorBoard --reload_interval 1 (each 1 s, likewise)",
        serve=partial(tensorboard, every=1),
    ),
    CONTESTANTS[0]._replace(
        name=f"TensorBoard --reload_interval 1, its page set to ask each {LEAST_RELOAD_S} s",
        serve=partial(tensorboard, every=1),
        prepare=reload_often,
    ),
    CONTESTANTS[1]._replace(name="lossmon (shown within 2 s)"),
)
"""The same by how fresh that is what they show."""


def report(console: Console, folder: Path) -> None:
    """Write what is missing, measure in turn, and print the medians."""
    long, runs = one_long(folder), many(folder)
    took: dict[str, dict[str, list[float]]] = {one.name: {} for one in CONTESTANTS}
    with chromium() as browser:
        for _ in range(ROUNDS):
            for one in CONTESTANTS:
                for part in (_look_at_long(browser, one, long), _look_at_many(browser, one, runs)):
                    for what, seconds in part.items():
                        took[one.name].setdefault(what, []).append(seconds)
        for what in took[CONTESTANTS[0].name]:
            tell = _share if what == _SPIKES else _middle
            words = ", ".join(f"{one.name} {tell(took[one.name][what])}" for one in CONTESTANTS)
            console.print(f"{what}: {words}")


def report_live(console: Console, folder: Path) -> None:
    """Print what each server works while nobody trains, and while eight runs are written."""
    long, runs = one_long(folder), many(folder)
    with serving(long.db) as server:
        first, again, worked = server.refreshed("long")
    console.print(
        f"lossmon's chart of {long.steps:,} steps: {first:,} bytes, a refresh {again:,} bytes "
        f"and {worked * 1e3:.0f} ms of processor"
    )
    with chromium() as browser:
        for line in live(browser, LIVE, runs, folder):
            console.print(line)


def report_compared(console: Console, folder: Path) -> None:
    """Print how soon the epochs of eight runs that are written show in their comparison."""
    with chromium() as browser:
        console.print(compared(browser, LIVE[-1], folder))


def _look_at_long(browser: Browser, one: Contestant, data: Beside) -> dict[str, float]:
    began = time.perf_counter()
    with one.serve(data) as server:
        with new_page(browser) as page:
            opened(page, server.address + one.of_long, one.uses.curves)
            cold = time.perf_counter() - began
        with new_page(browser) as page:
            one.prepare(page)
            again = opened(page, server.address + one.of_long, one.uses.curves)
            highest = page.evaluate(one.uses.highest)
            at_once = [_zoomed(page, one, share, "") for share in _ZOOMS]
            # TensorBoard has no finer data than those that it showed before.
            finer = [_zoomed(page, one, share, one.uses.finer) for share in _ZOOMS]
    return {
        f"{data.steps:,} steps, from the start of the server to the chart": cold,
        "the page again": again,
        "a tenth of it, drawn from what is there": statistics.median(at_once),
        "a tenth of it, as finely as it will be": statistics.median(finer),
        _SPIKES: float(highest > SPIKE / 2),
    }


def _look_at_many(browser: Browser, one: Contestant, data: Beside) -> dict[str, float]:
    began = time.perf_counter()
    with one.serve(data) as server:
        with new_page(browser) as page:
            opened(page, server.address + one.of_many, one.uses.many)
            cold = time.perf_counter() - began
        with new_page(browser) as page:
            again = opened(page, server.address + one.of_many, one.uses.many)
            if one.uses is TENSORBOARD:
                # It shows all of them: the first click leaves none.
                page.locator("runs-data-table input").first.click()
            switches = [_switched(page, one, name) for name in data.runs[-4:]]
    return {
        f"{len(data.runs)} runs, from the start of the server to their page": cold,
        "their page again": again,
        "the curves of another run": statistics.median(switches),
    }


def _zoomed(page: Page, one: Contestant, share: tuple[float, float], until: str) -> float:
    """Seconds from the end of a drag to the first frame in which a condition holds."""
    pane = page.locator(one.uses.pane).first
    pane.dblclick()
    page.wait_for_timeout(1500)
    page.evaluate(f"() => {{ window.benchPlaces = {one.uses.places}; window.benchOld = {_DATA}; }}")
    drawn = f"() => {one.uses.places} !== window.benchPlaces{until}"
    return after(page, "mouseup", drawn, partial(zoom_in, page, one.uses.pane, share))


def _switched(page: Page, one: Contestant, name: str) -> float:
    """Seconds from the click on a run to its curves."""
    if "/run/" in page.url:
        page.go_back()
    link = page.locator(one.uses.link.format(name)).first
    link.wait_for()
    return after(page, "click", one.uses.shown.format(name), link.click)


def _share(seen: list[float]) -> str:
    return f"{sum(seen):.0f} of {len(seen)}"


def _middle(seconds: list[float]) -> str:
    median = statistics.median(seconds)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1e3:.0f} ms"
