from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route, expect

from lossmon.records import BatchRecord
from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.dashboard.seed import LIVE, start, write, write_epoch
from tests.store.made import batch, open_writer

BREAKING = replace(LIVE, nan_from=21)

pytestmark = pytest.mark.browser

SOON = 15_000
"""Milliseconds within which something new must be seen."""


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Wait for something that no locator can tell; pages forbid the evaluation of strings."""
    for _ in range(SOON // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("expected soon what did not come")


def points(page: Page) -> int:
    """How many epochs the chart shows of the training loss."""
    return page.evaluate(
        "document.getElementById('run-history').querySelector('.js-plotly-plot')"
        ".data.find(trace => trace.name === 'train').x.length"
    )


def ranges(page: Page) -> list[list[float]]:
    """The spans of steps that the upper and the lower pane show."""
    return page.evaluate(
        "(({xaxis, xaxis2}) => [xaxis.range, xaxis2.range])"
        "(document.querySelector('#run-history .js-plotly-plot').layout)"
    )


def zoom_in(page: Page) -> list[list[float]]:
    """Drag over a part of the upper pane, as a reader does; returns what is shown then."""
    pane = page.locator("#run-history .nsewdrag").first
    pane.scroll_into_view_if_needed()
    box = pane.bounding_box()
    assert box
    middle = box["y"] + 0.5 * box["height"]
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=5)
    page.mouse.up()
    until(page, lambda: ranges(page)[0][0] > 0)
    return ranges(page)


MARKS = "document.querySelectorAll('#run-history .points')[1].childElementCount"
"""How many epochs of the training loss have a mark; the first trace of all is of batches."""


def test_as_many_epochs_are_marked_as_is_said(live: tuple[str, str], open_page: OpenPage) -> None:
    address, database = live
    write(database, replace(LIVE, epochs=120, status="finished"))
    page = open_page(f"{address}/run/latest")
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=SOON)
    expect(page.locator("#page")).to_contain_text(
        "a mark at each; where more than 50 are in view, at every second, third and so on"
    )
    until(page, lambda: page.evaluate(MARKS) == 120 / 3)
    page.evaluate(
        "Plotly.relayout(document.querySelector('#run-history .js-plotly-plot'),"
        "{'xaxis.range': [20.5, 69.5]})"
    )
    until(page, lambda: page.evaluate(MARKS) == 49)


def test_the_first_run_shows_up_by_itself(live: tuple[str, str], open_page: OpenPage) -> None:
    address, database = live
    page = open_page(address)
    expect(page.get_by_text("No database yet")).to_be_visible()
    expect(page.get_by_text("live.db")).to_be_visible()
    expect(page.locator("#live")).to_have_text("! nothing to read")
    assert violations(page) == []
    writer = start(database, LIVE, epochs=1)
    expect(page.locator("#runs-grid .ag-row", has_text="digits-live")).to_be_visible(
        timeout=2 * SOON
    )
    expect(page.locator("#live")).to_have_text("1 run training")
    writer.close()


SEEN = """seen => {
    Object.defineProperty(document, "hidden", {value: !seen, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
DRAWN = """() => document.querySelector('#run-history .js-plotly-plot').data
    .filter(trace => trace.uid && trace.name !== 'findings')
    .map(({uid, x, y, text}) => [uid, x, y, text])"""


COUNT_DRAWINGS = """() => {
    const {react} = window.Plotly;
    window.drawn = 0;
    window.Plotly.react = (...parts) => {
        window.drawn += 1;
        return react(...parts);
    };
    // Whatever draws it: a zoom itself is no call of `react`.
    window.plotted = 0;
    const chart = document.querySelector("#run-history .js-plotly-plot");
    chart.on("plotly_afterplot", () => (window.plotted += 1));
}"""
COUNT = "document.querySelectorAll('#run-history .js-plotly-plot .legendtext').length"


def plotted_at_rest(page: Page) -> int:
    """How often the chart has been drawn, once half a second has passed without."""
    page.locator("#run-history .nsewdrag").first.scroll_into_view_if_needed()
    seen: list[int] = []

    def rests() -> bool:
        seen.append(page.evaluate("window.plotted"))
        return len(seen) > 5 and len(set(seen[-6:])) == 1

    until(page, rests)
    return seen[-1]


def hold(page: Page, address: str) -> list[Route]:
    """Hold questions to an address back; returns them as they come."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep)
    return held


def answers(page: Page) -> list[int]:
    """The sizes of the answers about the chart, as they come: that of its page is the first."""
    sizes: list[int] = []

    def note(request: Request) -> None:
        asked = f"{request.url} {request.post_data}"
        if re.search(r'/news |_dash-layout|"output":"..(page.children|run-history-drawn)', asked):
            response = request.response()
            sizes.append(len(response.body()) if response else 0)

    page.on("requestfinished", note)
    return sizes


def test_a_running_run_grows_while_it_is_watched(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    writer = start(database, BREAKING, epochs=20)
    page = open_page(f"{address}/")
    sizes = answers(page)
    page.goto("about:blank")
    sizes.clear()
    page.goto(f"{address}/run/{writer.run_id}?smooth=10")
    expect(page.locator("#run-header")).to_contain_text("20 of 40 epochs done")
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=SOON)
    # The chart came with its page, and is not told once more.
    until(page, lambda: len(sizes) > 1)
    assert max(sizes[1:]) < sizes[0] / 8
    page.evaluate("document.querySelector('#run-history .js-plotly-plot').untouched = true")
    write_epoch(writer, BREAKING, 20)
    expect(page.locator("#run-header")).to_contain_text("21 of 40 epochs done", timeout=SOON)
    until(page, lambda: points(page) == 21)
    zoomed = zoom_in(page)
    page.evaluate("window.scrollTo(0, 300)")
    write_epoch(writer, BREAKING, 21)
    expect(page.locator("#run-header")).to_contain_text("22 of 40 epochs done", timeout=SOON)
    assert ranges(page) == zoomed
    assert page.evaluate("window.scrollY") == 300
    page.locator("#run-history .nsewdrag").first.dblclick()
    until(page, lambda: points(page) == 22)
    for epoch in (22, 23):
        write_epoch(writer, BREAKING, epoch)
        until(page, lambda epoch=epoch: points(page) == epoch + 1)
    # What was added to the chart is what it would be if it were drawn anew, and is the same chart.
    assert page.evaluate("document.querySelector('#run-history .js-plotly-plot').untouched")
    assert sizes[-1] < sizes[0] / 8
    added = page.evaluate(DRAWN)
    page.reload()
    until(page, lambda: page.evaluate(COUNT) > 0)
    for (uid, *new), (same, *whole) in zip(added, page.evaluate(DRAWN), strict=True):
        assert uid == same
        assert [len(part or ()) for part in new] == [len(part or ()) for part in whole]
        for values, truth in zip(new[:2], whole[:2], strict=True):
            known = [np.array(part, np.float64) for part in (values, truth)]
            np.testing.assert_allclose(*known, rtol=1e-9)
    writer.finish("finished")
    expect(page.locator("#run-header")).to_contain_text("finished", timeout=SOON)
    expect(page.locator("#live")).to_have_text("", timeout=SOON)
    writer.close()


def of_the_first_epoch(start: int, stop: int) -> list[BatchRecord]:
    now = time.time()
    return [batch(step, epoch=0, time=now, loss=1.0 / (1 + step)) for step in range(start, stop)]


def test_batches_alone_are_followed_without_a_callback(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    writer = open_writer(database, name="of-batches")
    writer.write(of_the_first_epoch(0, 70))
    page = open_page(f"{address}/run/of-batches")
    expect(page.locator("#live")).to_have_text("1 run training")
    last = "document.querySelector('#run-history .js-plotly-plot').data[0].x.length"
    until(page, lambda: page.evaluate(COUNT) > 0)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    for end in (90, 110):
        writer.write(of_the_first_epoch(end - 20, end))
        until(page, lambda end=end: page.evaluate(last) == end)
    assert set(asked) == {"/news"}
    page.locator(".lossmon-brand").click()
    line = page.locator("#runs-grid .lossmon-spark-loss")
    expect(line).to_be_visible()
    page.wait_for_load_state("networkidle")
    for end in (200, 300):
        asked.clear()
        before = line.get_attribute("d") or ""
        writer.write(of_the_first_epoch(end - 100, end))
        until(page, lambda before=before: line.get_attribute("d") != before)
        assert set(asked) == {"/news"}
    writer.finish("finished")
    expect(page.locator("#runs-grid .lossmon-status")).to_have_text("finished", timeout=SOON)
    writer.close()


def test_an_idle_page_asks_little_and_redraws_nothing(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    writer = start(database, LIVE, epochs=1)
    writer.finish("finished")
    writer.close()
    page = open_page(f"{address}/run/{writer.run_id}")
    expect(page.locator("#run-header")).to_contain_text("finished")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.wait_for_timeout(6000)
    assert 1 <= len(asked) <= 3
    assert not [question for question in asked if "run-history" in question]
    page.evaluate(SEEN, False)
    page.wait_for_timeout(500)
    asked.clear()
    page.wait_for_timeout(4500)
    assert asked == []
    page.evaluate(SEEN, True)
    until(page, lambda: len(asked) > 0)


def test_a_light_view_waits_for_a_training_and_turns_to_the_next(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    page = open_page(f"{address}/run/latest?light=1")
    expect(page.locator("#page")).to_contain_text("No database yet")
    first = start(database, LIVE, epochs=2)
    expect(page.locator("#run-header")).to_contain_text("2 of 40 epochs done", timeout=2 * SOON)
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=SOON)
    hidden = (".mantine-AppShell-header", ".lossmon-tabs", "#run-findings", "#run-accuracy")
    for part in (*hidden, "#run-verdict"):
        expect(page.locator(part)).to_be_hidden()
    first.finish("finished")
    expect(page.locator("#run-verdict .lossmon-point").first).to_be_visible(timeout=SOON)
    expect(page.locator("#run-verdict").get_by_text("In short")).to_be_visible()
    second = start(database, replace(LIVE, name="the-next"), epochs=3)
    expect(page.locator("h1")).to_have_text("the-next", timeout=SOON)
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=SOON)
    until(page, lambda: points(page) == 3)
    for writer in (first, second):
        writer.close()


def test_zooming_in_leaves_the_other_pane_in_step(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    start(database, LIVE, epochs=3).close()
    page = open_page(f"{address}/run/latest")
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=SOON)
    assert points(page) == 3
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    page.evaluate(COUNT_DRAWINGS)
    # The first answer about news may draw the last epoch once more.
    until(page, lambda: "/news" in asked)
    for drawn in (1, 2, 4):
        if drawn == 4:
            page.locator("#run-history .nsewdrag").first.dblclick()
            until(page, lambda: page.evaluate("window.drawn") == 3)
        # While the finer data are held back, all that is drawn is the zoom itself, and that once.
        held = hold(page, "**/chart")
        plotted = plotted_at_rest(page)
        upper, lower = zoom_in(page)
        assert upper == lower
        assert upper[0] > 0
        until(page, lambda held=held: len(held) > 0)
        page.wait_for_timeout(300)
        assert page.evaluate("[window.drawn, window.plotted]") == [drawn - 1, plotted + 1]
        for route in held:
            route.continue_()
        page.unroute("**/chart")
        # It is drawn once more with the finer data, which no callback brings.
        until(page, lambda drawn=drawn: page.evaluate("window.drawn") >= drawn)
        page.wait_for_timeout(300)
        assert page.evaluate("window.drawn") == drawn
    assert asked.count("/chart") == 4
    assert set(asked) <= {"/chart", "/news"}
    # What the pointer says waits for a part to be seen, and no longer.
    box = page.locator("#run-history .nsewdrag").first.bounding_box()
    assert box
    said = page.locator("#run-history .hoverlayer text")
    places = (box["x"] + box["width"] * share / 20 for share in itertools.cycle(range(20)))

    def point() -> bool:
        page.mouse.move(next(places), box["y"] + box["height"] / 2)
        return said.count() > 0

    until(page, point)
