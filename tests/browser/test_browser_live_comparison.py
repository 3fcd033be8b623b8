"""A comparison of runs that train: their curves are followed without a callback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lossmon.store import RunWriter
from tests.browser.conftest import OpenPage
from tests.browser.test_browser_live import SOON, until
from tests.dashboard.seed import LIVE, Scenario, start, write_epoch

pytestmark = pytest.mark.browser

OTHER = replace(LIVE, name="other-live", start=1.9)
VIEWS = {
    "": "loss-0",
    "&axis=step&split=train": "accuracy-0",
    "&axis=time&view=apart": "loss-0",
    "&axis=samples&view=apart&measure=accuracy": "accuracy-0",
}
"""By what an address ends with, a trace whose points are counted."""
CHART = "document.querySelector('#compare-overlay .js-plotly-plot')"
DRAWN = f"{CHART}.data.map(({{uid, x, y, text, mode}}) => [uid, x, y, text, mode])"
RANGES = f"[{CHART}.layout.xaxis.range, {CHART}.layout.yaxis.range]"
COUNT_DRAWINGS = """() => {
    const {react} = window.Plotly;
    window.drawn = 0;
    window.Plotly.react = (chart, ...parts) => {
        window.drawn += chart.closest("#compare-overlay") ? 1 : 0;
        return react(chart, ...parts);
    };
}"""
Pair = tuple[RunWriter, RunWriter]


def shown(page: Page, uid: str) -> int:
    """How many points a trace has; -1 where there is none."""
    traces = f"(({CHART} || {{}}).data || []).filter(one => one.uid === '{uid}')"
    return page.evaluate(f"{traces}.map(one => one.x.length)[0] ?? -1")


def pair(database: str, epochs: int = 4) -> Pair:
    return start(database, LIVE, epochs=epochs), start(database, OTHER, epochs=epochs)


def address_of(address: str, runs: Pair, view: str = "") -> str:
    return f"{address}/compare?runs={','.join(run.run_id for run in runs)}{view}"


def zoom_in(page: Page) -> Any:
    """Drag over a part of the first pane, as a reader does; returns what is shown then."""
    before = page.evaluate(RANGES)
    pane = page.locator("#compare-overlay .nsewdrag").first
    pane.scroll_into_view_if_needed()
    box = pane.bounding_box()
    assert box
    for share in (0.3, 0.7):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"], steps=5)
        page.mouse.down() if share < 0.5 else page.mouse.up()
    until(page, lambda: page.evaluate(RANGES) != before)
    return page.evaluate(RANGES)


def asked(page: Page) -> list[str]:
    """What is asked from now on: the output of each callback, and other paths."""
    questions: list[str] = []

    def note(request: Any) -> None:
        body = request.post_data_json if request.method == "POST" else None
        questions.append((body or {}).get("output") or request.url)

    page.on("request", note)
    return questions


@pytest.mark.parametrize("view", VIEWS)
def test_curves_of_a_comparison_grow_while_they_are_watched(
    live: tuple[str, str], open_page: OpenPage, view: str
) -> None:
    address, database = live
    runs = pair(database)
    uid = VIEWS[view]
    page = open_page(address_of(address, runs, view))
    until(page, lambda: shown(page, uid) == 4)
    expect(page.locator("#compare-ends")).to_contain_text("other-live", timeout=SOON)
    page.wait_for_load_state("networkidle")
    page.evaluate(f"{CHART}.untouched = true")
    page.evaluate(COUNT_DRAWINGS)
    questions = asked(page)
    for epoch in (4, 5):
        # The next question, or the one after it where that is on its way, brings the points.
        questions.clear()
        write_epoch(runs[0], LIVE, epoch)
        until(page, lambda epoch=epoch: shown(page, uid) == epoch + 1)
        assert 1 <= sum(one.endswith("/news") for one in questions) <= 2, questions
    zoomed = zoom_in(page)
    page.evaluate("window.scrollTo(0, 150)")
    for epoch in (6, 7):
        write_epoch(runs[0], LIVE, epoch)
        write_epoch(runs[1], OTHER, epoch)
        until(page, lambda epoch=epoch: shown(page, uid) == epoch + 1)
    assert page.evaluate(RANGES) == zoomed
    assert page.evaluate("window.scrollY") == 150
    # Neither was it drawn anew, nor by a callback.
    assert page.evaluate("window.drawn") == 0
    assert page.evaluate(f"{CHART}.untouched")
    assert not [one for one in questions if "compare-overlay" in one]
    grown = page.evaluate(DRAWN)
    page.reload()
    until(page, lambda: shown(page, uid) == 8)
    assert page.evaluate(DRAWN) == grown
    for writer in runs:
        writer.close()


def test_tabs_and_users_follow_the_same_runs(live: tuple[str, str], open_page: OpenPage) -> None:
    address, database = live
    runs = pair(database)
    first = open_page(address_of(address, runs))
    tab = first.context.new_page()
    tab.goto(address_of(address, runs, "&view=apart"))
    user = open_page(address_of(address, (runs[1], runs[0]), "&split=train"), scheme="dark")
    places = {first: "loss-0", tab: "loss-0", user: "loss-1"}
    for epoch in range(4, 7):
        for page, uid in places.items():
            until(page, lambda page=page, uid=uid, epoch=epoch: shown(page, uid) == epoch)
        write_epoch(runs[0], LIVE, epoch)
    for writer in runs:
        writer.close()


def test_what_else_is_said_follows_at_once_when_a_run_ends(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    runs = pair(database)
    page = open_page(address_of(address, runs))
    ends = page.locator("#compare-ends .ag-center-cols-container .ag-row")
    epochs = ends.first.locator("[col-id=epochs]")
    expect(epochs).to_have_text("4", timeout=SOON)
    until(page, lambda: shown(page, "loss-0") == 4)
    # What trains elsewhere makes nothing anew here.
    questions = asked(page)
    elsewhere = start(database, replace(LIVE, name="elsewhere"), epochs=2)
    expect(page.locator("#live")).to_have_text("3 runs training", timeout=SOON)
    elsewhere.finish("finished")
    expect(page.locator("#live")).to_have_text("2 runs training", timeout=SOON)
    assert not [one for one in questions if "compare-ends" in one or "compare-short" in one]
    # Epochs may be told of some seconds later, the end of a run may not.
    write_epoch(runs[0], LIVE, 4)
    expect(epochs).to_have_text("5", timeout=SOON)
    questions.clear()
    write_epoch(runs[0], LIVE, 5)
    runs[0].finish("finished")
    until(page, lambda: any("compare-ends" in one for one in questions))
    assert sum(one.endswith("/news") for one in questions) <= 2, questions
    expect(epochs).to_have_text("6", timeout=SOON)
    # The other one goes on to be followed.
    write_epoch(runs[1], OTHER, 4)
    until(page, lambda: shown(page, "loss-1") == 5)
    for writer in (*runs, elsewhere):
        writer.close()


def test_what_looks_through_many_epochs_is_asked_for_less_often(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    runs = pair(database, epochs=3)
    page = open_page(address_of(address, runs))
    until(page, lambda: shown(page, "loss-0") == 3)
    with page.expect_request("**/news", timeout=SOON) as seen:
        pass
    question: dict[str, Any] = seen.value.post_data_json or {}
    pause_of = "question => window.lossmon_pulse.pauseOf(question)"
    assert page.evaluate(pause_of, question) == 5_000
    known = question["mark"]["goes_on"]
    assert {run: told[0] for run, told in known.items()} == {run.run_id: 1 for run in runs}
    for epochs, pause in ((500, 5_000), (1_000, 8_000), (100_000, 120_000)):
        for told in known.values():
            told[0] = epochs
        assert page.evaluate(pause_of, question) == pause
    # Of those that ended nothing is read again.
    question["mark"]["goes_on"] = {}
    assert page.evaluate(pause_of, question) == 5_000
    for writer in runs:
        writer.close()


def test_a_first_value_and_one_that_is_no_number_find_their_place(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, database = live
    breaking: Scenario = replace(OTHER, nan_from=5)
    runs = start(database, LIVE, epochs=4), start(database, breaking, epochs=0)
    page = open_page(address_of(address, runs))
    until(page, lambda: shown(page, "loss-0") == 4)
    zoomed = zoom_in(page)
    for epoch in range(4, 8):
        write_epoch(runs[1], breaking, epoch)
        until(page, lambda epoch=epoch: shown(page, "loss-1") == epoch - 3)
    until(page, lambda: shown(page, "loss-lost") == 3)
    assert page.evaluate(RANGES) == zoomed
    grown = page.evaluate(DRAWN)
    page.reload()
    until(page, lambda: shown(page, "loss-lost") == 3)
    assert page.evaluate(DRAWN) == grown
    for writer in runs:
        writer.close()
