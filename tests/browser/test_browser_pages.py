from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.dashboard.seed import (
    HOSTILE,
    LIVE,
    OVERFITTING,
    REGRESSION,
    SCENARIOS,
    SOFTMAX,
    Scenario,
    epoch_of,
    start,
    write,
)

pytestmark = pytest.mark.browser

ADDRESSES = [
    "/",
    "/run/digits-cnn",
    "/run/two-heads?output=colour",
    "/run/digits-nan?scale=log&axis=time&smooth=10",
    "/run/digits-overfit?tab=divergence",
    "/run/digits-overfit?tab=calibration&epoch=3",
    "/run/digits-cnn?tab=samples",
    "/run/breast-cancer-logits?tab=verification",
    "/run/custom-step?tab=settings",
    "/compare?runs=digits-cnn,digits-overfit",
    "/rules",
    "/rules/LM301",
    "/run/nobody",
    "/elsewhere",
]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def row(page: Page, name: str) -> Locator:
    """What is beside the name of a run, which is pinned."""
    index = page.locator("#runs-grid .ag-row", has_text=name).first.get_attribute("row-index")
    return page.locator(f"#runs-grid .ag-center-cols-container [row-index='{index}']")


def tick(page: Page, name: str) -> None:
    page.locator("#runs-grid .ag-row", has_text=name).first.locator("input").click()


CUT = """([grid, last, bar]) => {
    const within = (part) => part.closest(".ag-cell").getBoundingClientRect().right - 12;
    const all = (which) => [...document.querySelectorAll(`${grid} ${which}`)];
    const heading = all(".ag-header-cell-text").find((one) => one.textContent === last);
    const room = document.querySelector(`${grid} .ag-center-cols-viewport`).getBoundingClientRect();
    const end = heading.closest(".ag-header-cell").getBoundingClientRect().right;
    const headings = all(".ag-header-cell-text").filter((one) => one.scrollWidth > one.clientWidth);
    const parts = ["svg", ".lossmon-meter", ".lossmon-measure", ".lossmon-status"];
    const cells = all(parts.map((one) => ".ag-cell " + one).join()).filter(
        (part) => part.getBoundingClientRect().right > within(part)
    );
    const beyond = end > room.right - bar ? [last] : [];
    return [...beyond, ...[...headings, ...cells].map((one) => one.textContent)];
}"""
SCROLL_SIDEWAYS = """() => {
    const within = document.querySelector("#runs-grid .ag-center-cols-viewport");
    within.scrollLeft = 10000;
    return within.scrollLeft;
}"""
CUT_HEADINGS = """(grid) => [...document.querySelectorAll(`${grid} .ag-header-cell-text`)]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
PINNED = "#runs-grid .ag-pinned-left-cols-container [col-id=name]"
BAR = 15
"""How wide a bar to scroll by may be."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_in_lists_of_runs(seeded: str, open_page: OpenPage, scheme: str) -> None:
    # The arrow of the sorted column takes room from its heading.
    page = open_page(f"{seeded}/?sort=val_intended_accuracy:desc", scheme=scheme)
    expect(page.locator("#runs-grid .ag-row svg").first).to_be_visible()
    expect(page.locator(PINNED).first).to_be_visible()
    assert page.evaluate(CUT, ["#runs-grid", "Val meant", BAR]) == []
    name = page.locator(".ag-row a", has_text="breast-cancer-logits")
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")
    page.goto(f"{seeded}/compare?runs=digits-cnn,breast-cancer-logits")
    expect(page.locator("#compare-ends .ag-row .lossmon-meter").first).to_be_visible()
    page.locator("#compare-ends .ag-header-cell-text", has_text="Train accuracy").click()
    expect(page.locator("#compare-ends .ag-sort-ascending-icon:visible")).to_have_count(1)
    assert page.evaluate(CUT, ["#compare-ends", "Duration", 0]) == []
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_the_smallest_gaps_are_told_in_full(live: tuple[str, str], open_page: OpenPage) -> None:
    address, db = live
    writer = start(db, LIVE, epochs=1)
    tiny = replace(epoch_of(LIVE, 1, "train", None), loss_gap=-9.29e-10, accuracy_gap=-9.29e-10)
    writer.write(epochs=[tiny])
    page = open_page(f"{address}/run/{LIVE.name}?tab=verification")
    gaps = page.locator("#run-verification .ag-cell-value", has_text="-9.29e-10")
    expect(gaps).to_have_count(2)
    for gap in gaps.all():
        assert gap.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_phone_shows_where_runs_stand(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded, width=390)
    for name, words, misread in (
        ("digits-cnn", "accuracy 0.9444", False),
        ("diabetes-accuracy", "accuracy 0", True),
        ("breast-cancer-logits", "accuracy meant 0.9069", False),
    ):
        shown = page.locator("#runs-grid .ag-row", has_text=name).locator(".lossmon-standing")
        expect(shown).to_be_visible()
        expect(shown).to_have_text(words)
        assert shown.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert shown.locator(".lossmon-misread").count() == misread
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator(".lossmon-standing").first).to_be_hidden()


def test_a_phone_counts_the_findings_that_it_has_no_room_for(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, db = live
    write(db, Scenario("both", metric=SOFTMAX, epochs=2, findings=(REGRESSION, OVERFITTING)))
    page = open_page(address, width=390)
    findings = page.locator("#runs-grid .lossmon-chips")
    expect(findings).to_have_text("1 error1 warning+1")
    assert findings.inner_text().split() == ["1", "error", "+1"]
    assert _right(findings) <= _right(page.locator("#runs-grid"))
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(findings.locator(".lossmon-others")).to_be_hidden()
    assert "1 warning" in findings.inner_text()


def test_findings_of_all_kinds_are_counted_whole_where_the_column_is_narrow(
    live: tuple[str, str], open_page: OpenPage
) -> None:
    address, db = live
    advice = replace(OVERFITTING, code="LM407", rule="overconfident", severity="info")
    found = (REGRESSION, OVERFITTING, advice)
    write(db, Scenario("all", metric=SOFTMAX, epochs=2, findings=found))
    findings = open_page(address).locator("#runs-grid .lossmon-chips")
    expect(findings.locator(".lossmon-others")).to_be_visible()
    assert findings.inner_text().split() == ["1", "error", "+2"]
    shown = findings.locator("xpath=ancestor::*[@col-id='flags']")
    assert shown.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


@pytest.mark.parametrize("status", [None, "interrupted"])
def test_how_far_a_run_came_is_told_in_full(
    live: tuple[str, str], open_page: OpenPage, status: Any
) -> None:
    address, db = live
    writer = start(db, LIVE, epochs=38)
    if status is not None:
        writer.finish(status)
    page = open_page(address)
    expect(page.locator(PINNED)).to_be_visible()
    expect(page.locator("#runs-grid .lossmon-status")).to_contain_text("95 %")
    assert page.evaluate(CUT, ["#runs-grid", "Val meant", BAR]) == []
    writer.close()


def test_names_stay_in_sight_where_a_wide_list_is_scrolled(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(seeded)
    name = page.locator("#runs-grid .ag-row a", has_text="digits-cnn")
    pinned = page.locator(PINNED)
    expect(pinned.first).to_be_visible()
    assert page.evaluate(SCROLL_SIDEWAYS) > 300
    expect(name).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 900})
    expect(pinned).to_have_count(0)
    assert page.evaluate(SCROLL_SIDEWAYS) > 300
    expect(page.locator("#runs-grid .ag-pinned-left-cols-container .ag-row a")).to_have_count(0)


def test_the_way_back_leads_to_the_list_as_it_was(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/?q=digits&sort=name:asc")
    page.locator("#runs-grid .ag-row a", has_text="digits-nan").click()
    expect(page.locator("h1")).to_have_text("digits-nan")
    page.get_by_text("← All runs").click()
    expect(page.locator("#runs-summary")).to_contain_text("3 runs")
    expect(page.locator("#runs-search")).to_have_value("digits")
    page.wait_for_url(re.compile(r"/\?q=digits&sort=name%3Aasc$"))


def test_what_runs_are_grouped_by_is_told_in_full(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    page.locator("#runs-by").click()
    page.get_by_role("option", name="Config alone, any seed").click()
    assert page.locator("#runs-by").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_phone_says_what_goes_on_beyond_its_edge(seeded: str, open_page: OpenPage) -> None:
    runs = "digits-cnn,digits-overfit,diabetes,diabetes-accuracy,breast-cancer-logits,digits-nan"
    page = open_page(f"{seeded}/compare?runs={runs}", width=390)
    ends = page.locator("#compare-ends")
    expect(ends.locator(".ag-row").first).to_be_visible()
    expect(ends).to_have_attribute("data-more", "")
    assert page.evaluate(CUT_HEADINGS, "#compare-ends") == []
    ends.locator(".ag-center-cols-viewport").evaluate("one => one.scrollTo(10000, 0)")
    expect(ends).not_to_have_attribute("data-more", "")
    table = page.locator("#compare-weighed .lossmon-scroll").first
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    assert table.evaluate("one => getComputedStyle(one).backgroundImage").count("gradient") == 4
    chosen = page.locator(".lossmon-several .mantine-MultiSelect-pillsList")
    assert chosen.evaluate("one => one.scrollHeight <= one.clientHeight")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(ends).not_to_have_attribute("data-more", "")


def _right(shown: Locator) -> float:
    return shown.evaluate("one => one.getBoundingClientRect().right")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_opens_at_every_size(
    seeded: str, open_page: OpenPage, width: int, scheme: str
) -> None:
    page = open_page(seeded, width=width, scheme=scheme)
    for address in ADDRESSES:
        page.goto(seeded + address)
        expect(page.locator("#page h1, #page h2").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert overflow(page) <= 0, address
        assert page.locator("html").get_attribute("data-mantine-color-scheme") == scheme
        for graph in page.locator(".js-plotly-plot:visible").all():
            assert (graph.bounding_box() or {"height": 0})["height"] > 250, address


def test_the_list_shows_findings_times_and_what_accuracy_means(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded}/?cols=name,flags,val_accuracy,accuracy_metric,sparkline")
    expect(page.locator("#runs-summary")).to_have_text("9 runs · 3 with errors")
    flagged = row(page, "breast-cancer-logits").inner_text()
    assert "1 error" in flagged
    assert "BinaryAccuracy(threshold=0.5)" in flagged
    # It is struck out, and no interval stands around what means something else.
    assert page.locator(".lossmon-misread").all_inner_texts().count("0.8719") == 1
    assert "0.835 – 0.902" not in flagged
    assert re.search(r"0\.\d+\n0\.\d+ – 0\.\d+", row(page, "digits-cnn").inner_text())
    assert page.locator(".ag-row svg path").count() >= 2 * (len(SCENARIOS) - 1)
    broken = page.locator(".lossmon-spark-broken")
    expect(broken).to_have_count(1)
    assert broken.locator("..").get_attribute("aria-label").endswith(", NaN")


def test_sorting_and_searching_stay_in_the_address(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    expect(page.locator("#runs-grid .ag-row").first).to_be_visible()
    page.get_by_label("Search runs").fill("digits")
    expect(page.locator("#runs-grid .ag-pinned-left-cols-container .ag-row")).to_have_count(3)
    page.locator("#runs-grid .ag-header-cell[col-id=val_loss]").click()
    page.wait_for_url(re.compile(r"q=digits&sort=val_loss%3Aasc"))
    page.get_by_role("link", name="digits-overfit").click()
    expect(page.locator("h1")).to_have_text("digits-overfit")
    page.go_back()
    expect(page.get_by_label("Search runs")).to_have_value("digits")
    expect(page.locator("#runs-grid .ag-pinned-left-cols-container .ag-row")).to_have_count(3)


def test_a_column_can_be_filtered(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    header = page.locator("#runs-grid .ag-header-cell[col-id=name]")
    header.hover()
    header.locator(".ag-header-cell-filter-button").click()
    page.get_by_label("Filter Value").first.fill("overfit")
    expect(page.locator("#runs-grid .ag-pinned-left-cols-container .ag-row")).to_have_count(1)


def test_selected_runs_are_compared(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    for name in ("digits-cnn", "digits-overfit"):
        tick(page, name)
    page.get_by_role("button", name="Compare 2 runs").click()
    expect(page.locator("h1")).to_have_text("Compare runs")
    assert "/compare?runs=" in page.url
    expect(page.locator("#compare-ends .ag-center-cols-container .ag-row")).to_have_count(2)
    expect(page.locator("#compare-differences")).to_contain_text("config.units")
    legend = page.locator("#compare-overlay .legendtext")
    expect(legend).to_have_text(["digits-cnn", "digits-overfit"])
    page.go_back()
    expect(page.locator("h1")).to_have_text("Runs")


def test_what_a_page_says_late_leaves_the_next_address_alone(
    seeded: str, open_page: OpenPage
) -> None:
    address = f"{seeded}/compare?runs=digits-cnn,digits-overfit"
    page = open_page(address)
    expect(page.locator("h1")).to_have_text("Compare runs")
    expect(page.locator("#compare-ends .ag-center-cols-container .ag-row")).to_have_count(2)
    before = page.url
    for late in (
        "lossmon.rememberRuns('late', {}, [], false, null, null, null)",
        "lossmon.rememberRules('late', null)",
        "lossmon_run.rememberOutput('late')",
    ):
        page.evaluate(f"dash_clientside.{late}")
        assert page.url == before
    assert page.evaluate("sessionStorage.getItem('lossmon-list')") is None
    page.evaluate("dash_clientside.lossmon.rememberComparison(['digits-cnn'])")
    assert page.url == f"{seeded}/compare?runs=digits-cnn"


def test_the_run_to_take_is_asked_in_the_address(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/compare?runs=digits-cnn,digits-overfit")
    short, answer = page.locator("#compare-short"), page.locator("#compare-weighed")
    expect(short).to_contain_text("For probabilities, digits-cnn is better than digits-overfit")
    box = short.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 500
    short.get_by_role("link").click()
    expect(page.locator("#compare-which")).to_be_in_viewport()
    expect(page.get_by_label("Cost of a missed 1")).to_be_hidden()
    expect(answer).to_contain_text("For probabilities: digits-cnn, by its loss.")
    expect(answer).to_contain_text("For decisions: no evidence of a difference in accuracy.")
    page.locator("#compare-need").get_by_text("Probabilities").click()
    expect(answer).not_to_contain_text("For decisions")
    page.wait_for_url(re.compile("need=probabilities"))
    # Mistakes of one of ten classes have no one cost: the fields are there where they are filled.
    page.goto(f"{seeded}/compare?runs=digits-cnn,digits-overfit&fp=2&need=decisions")
    page.get_by_label("Cost of a missed 1").fill("10")
    page.wait_for_url(re.compile("fp=2&fn=10"))
    page.get_by_label("Cost of a false 1").fill("")
    expect(answer).to_contain_text("needs the probabilities of two classes")
    page.get_by_role("textbox", name="Repeats share").fill("<b>none</b>")
    expect(answer).to_contain_text("Mind this")
    page.get_by_role("textbox", name="Repeats share").fill("units")
    expect(answer).to_contain_text("units=512")
    page.wait_for_url(re.compile("need=decisions&fn=10&by=units"))
    page.reload()
    expect(answer).to_contain_text("units=512")
    expect(page.get_by_label("Cost of a missed 1")).to_have_value("10")


COPIED = """cell => {
    window.getSelection().selectAllChildren(cell);
    const event = new ClipboardEvent(
        "copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true}
    );
    cell.dispatchEvent(event);
    return event.clipboardData.getData("text/plain");
}"""
# Where a line ends within the text of an element.
LINES = """cell => {
    const text = cell.firstChild, lines = [""];
    const range = document.createRange();
    let last = null;
    for (let at = 0; at < text.length; at++) {
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const top = range.getBoundingClientRect().top, sign = text.data[at];
        if (sign === "\\u200b") continue;
        if (last !== null && top > last + 5) lines.push("");
        last = top;
        lines[lines.length - 1] += sign;
    }
    return lines;
}"""


def test_on_a_phone_long_names_break_between_their_parts(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/compare?runs=digits-cnn,digits-overfit&all=1", width=390)
    cell = page.locator("#compare-differences td", has_text="sparse_categorical_crossentropy")
    lines = cell.first.evaluate(LINES)
    assert len(lines) > 1
    assert all(line.endswith("_") for line in lines[:-1]), lines
    assert cell.first.evaluate(COPIED) == "sparse_categorical_crossentropy"


def test_a_finding_leads_to_its_rule(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/run/diabetes-accuracy")
    card = page.locator("#run-findings .lossmon-finding")
    expect(card).to_contain_text("distinct labels")
    expect(card.get_by_role("button", name="Copy")).to_be_visible()
    card.get_by_role("link", name="LM301").click()
    expect(page.locator("h1")).to_have_text("Accuracy with regression")
    expect(page.get_by_text("Use instead")).to_be_visible()


def test_times_are_in_the_zone_of_the_browser(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/run/digits-cnn")
    expect(page.locator("#run-header")).to_contain_text("(JST)")


def test_the_colour_scheme_follows_the_system_until_it_is_switched(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded}/run/digits-cnn", scheme="dark")
    tick = page.locator("#run-history .xtick text, #run-history .x2tick text").first
    expect(tick).to_have_css("fill", "rgb(154, 163, 173)", timeout=20_000)
    page.get_by_label("Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    expect(tick).to_have_css("fill", "rgb(91, 100, 114)")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")


def test_hostile_names_are_inert(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    expect(page.locator("#runs-grid")).to_contain_text(HOSTILE)
    page.get_by_role("link", name=HOSTILE).click()
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect(page.locator("#run-header")).to_contain_text("<b>bold</b>")
    run = page.locator("#run-header").inner_text().split("id ")[-1].split()[0]
    page.goto(f"{seeded}/compare?runs={run},digits-cnn")
    expect(page.locator("#compare-ends")).to_contain_text(HOSTILE)
    expect(page.locator("#compare-overlay .legendtext").first).to_contain_text("<img")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "owned"


def test_rules_can_be_searched(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/rules")
    page.get_by_label("Search rules").fill("regression accuracy")
    expect(page.locator(".lossmon-rule")).to_have_count(1)
    page.get_by_label("Search rules").fill("nothing like it")
    expect(page.get_by_text("No rule matches.")).to_be_visible()


def test_the_keyboard_reaches_the_content(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
