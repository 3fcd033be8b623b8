"""The page of a run: its tabs, its chart, and what can be taken along."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossmon.records import EpochRecord, SampleRecord, SampleSet
from lossmon.store import RunWriter
from tests.analysis.sampled import RECORDS, ROWS, SET
from tests.browser.axe import violations
from tests.browser.conftest import OpenPage, serving
from tests.dashboard.seed import SOFTMAX, SQUARED, Scenario, epoch_of

pytestmark = pytest.mark.browser


def write_regression(path: str) -> None:
    scenario = Scenario("valued", loss=SQUARED, epochs=2)
    writer = RunWriter.open(path, scenario.record(), scenario.output_records())
    for at, losses in enumerate(([1.0, 4.0, 2.0], [1.5, 3.0, 0.5])):
        samples = SampleSet(np.arange(3, dtype=np.uint64), "inputs")
        record = SampleRecord(at, "val", None, np.array(losses, np.float32), samples=samples)
        writer.write(epochs=[epoch_of(scenario, at, "val", None)], samples=[record])
    writer.finish("finished")
    writer.close()


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A dashboard over a run whose every validation sample is known."""
    path = str(tmp_path_factory.mktemp("sampled") / "runs.db")
    scenario = Scenario("sampled", metric=SOFTMAX)
    writer = RunWriter.open(path, scenario.record(), scenario.output_records())
    epochs = [EpochRecord(time=0.0, **row) for row in ROWS]
    first = RECORDS[0]
    labels = np.where(first.correct, first.predicted, 1 - first.predicted)
    known = replace(SET, labels=labels)
    writer.write(epochs=epochs, samples=[replace(one, samples=known) for one in RECORDS.values()])
    writer.finish("finished")
    writer.close()
    write_regression(path)
    with serving(path) as address:
        yield address


LEGEND_IS_ABOVE = """(width) => {
    const chart = document.querySelector("#run-history .js-plotly-plot");
    const legend = chart.querySelector(".legend").getBoundingClientRect();
    const panes = chart.querySelector(".bglayer").getBoundingClientRect();
    return chart.offsetWidth < width && legend.width > width / 4 && legend.bottom < panes.top;
}"""


HAS_SCROLLED = """() => {
    const {scrollY, lossmonStill} = window;
    const frames = lossmonStill && lossmonStill.at === scrollY ? lossmonStill.frames + 1 : 0;
    window.lossmonStill = {at: scrollY, frames};
    return scrollY > 0 && frames > 30;
}"""


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def x_range(page: Page) -> Any:
    return page.evaluate(
        "document.querySelector('#run-history .js-plotly-plot').layout.xaxis.range.map(Number)"
    )


def test_the_controls_of_a_run_stay_in_the_address(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/run/digits-cnn")
    legend = page.locator("#run-history .legendtext")
    expect(legend).to_have_text(["train, each batch", "train", "val"])
    page.locator("#run-smooth").get_by_text("10", exact=True).click()
    expect(legend).to_have_text(
        ["train, each batch", "train, moving average over 10 batches", "train", "val"]
    )
    title = page.locator("#run-history .x2title, #run-history .xtitle").last
    expect(title).to_have_text("epoch")
    assert x_range(page)[1] < 15
    page.locator("#run-axis").get_by_text("Steps").click()
    expect(title).to_have_text("training step")
    assert x_range(page)[1] > 100
    page.locator("#run-detail").get_by_text("Epochs", exact=True).click()
    page.locator("#run-value").get_by_text("Printed").click()
    page.get_by_label("Logarithmic loss").check()
    expect(legend).to_have_text(["train as printed", "val as printed"])
    view = "detail=epochs&value=reported&axis=step&smooth=10&scale=log"
    for part in view.split("&"):
        page.wait_for_url(re.compile(part))
    tab(page, "Calibration")
    page.wait_for_url(re.compile("tab=calibration"))
    tab(page, "Curves")
    expect(legend).to_have_text(["train as printed", "val as printed"])
    page.reload()
    expect(legend).to_have_text(["train as printed", "val as printed"])


def test_tabs_load_when_they_are_opened(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/run/breast-cancer-logits")
    expect(page.locator("#run-history .legendtext").first).to_be_visible()
    for part in ("#run-verification", "#run-reliability", "#run-samples", "#run-settings"):
        expect(page.locator(part)).to_have_count(0)
    tab(page, "Printed and true")
    expect(page.locator("#run-meant .legendtext").first).to_have_text("train, printed")
    expect(page.locator("#run-verification .ag-row").first).to_be_visible()
    expect(page.locator("#run-history")).to_have_count(0)
    tab(page, "Settings")
    expect(page.locator("#run-settings")).to_contain_text("lossmon had no trouble")
    page.reload()
    expect(page.locator("#run-settings")).to_contain_text("25,450")


def test_what_counts_findings_leads_to_them(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    name = page.locator("#runs-grid .ag-row", has_text="digits-overfit").first
    row = page.locator(f"#runs-grid [row-index='{name.get_attribute('row-index')}']")
    row.get_by_role("link", name="1 warning").click()
    card = page.locator("[data-target='finding:LM408:']")
    expect(page.get_by_role("heading", name="digits-overfit")).to_be_visible(timeout=20_000)
    expect(card).to_be_focused(timeout=20_000)
    short = page.get_by_role("region", name="In short")
    expect(short).to_contain_text("It overfits since epoch 11", timeout=20_000)
    for way in (
        page.get_by_role("button", name="1 warning"),
        short.get_by_role("button", name="LM408"),
    ):
        way.focus()
        way.press("Enter")
        expect(card).to_be_focused()
    page.go_back()
    cell = row.locator("[col-id='flags']")
    expect(cell).to_contain_text("1 warning", timeout=20_000)
    cell.click(position={"x": 170, "y": 8})
    expect(cell).to_have_class(re.compile("ag-cell-focus"))
    cell.press("Enter")
    expect(card).to_be_focused(timeout=20_000)


def test_the_title_of_a_finding_is_in_sight_where_its_count_leads(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded}/run/digits-overfit", width=390)
    expect(page.locator("#run-history .legendtext").first).to_be_visible(timeout=20_000)
    # Too low a window for the whole card.
    page.set_viewport_size({"width": 390, "height": 330})
    page.get_by_role("button", name="1 warning").click()
    page.wait_for_function(HAS_SCROLLED, timeout=10_000)
    card, bar = (page.locator(part).bounding_box() for part in ("[data-target]", "header"))
    assert card
    assert bar
    assert card["y"] + card["height"] > 330
    assert bar["height"] <= card["y"] < 100


def test_an_event_on_the_axis_leads_to_its_explanation(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/run/digits-overfit")
    expect(page.locator("#run-history .legendtext").first).to_be_visible()
    lane = page.locator("#run-history .nsewdrag").first
    lane.scroll_into_view_if_needed()
    box = lane.bounding_box()
    assert box
    bar = (box["x"] + 0.7 * box["width"], box["y"] + 0.76 * box["height"])
    page.mouse.move(*bar)
    expect(page.locator("#run-history .hoverlayer")).to_contain_text(
        "loss rises while accuracy holds"
    )
    page.mouse.click(*bar)
    expect(page.locator("#run-divergence")).to_contain_text("stop at epoch")
    expect(page.locator("[data-target^='episode:']")).to_be_focused()
    tab(page, "Curves")
    page.get_by_role("button", name="Overfitting (LM408)").press("Enter")
    expect(page.locator("[data-target^='finding:']")).to_be_focused()
    # Plotly lets a legend lie where it had to be in a narrow window.
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(LEGEND_IS_ABOVE, arg=width, timeout=10_000)


def test_a_chart_is_saved_as_a_picture_and_as_numbers(
    seeded: str, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(f"{seeded}/run/digits-cnn?detail=epochs")
    expect(page.locator("#run-history .legendtext").first).to_be_visible()
    heads = {
        "PNG": b"\x89PNG",
        "SVG": b"<svg",
        "shown": b"measure,line,along,x,y,value",
        "behind": b"step,epoch",
    }
    for name, head in heads.items():
        page.get_by_label("Save: Loss and accuracy").click()
        with page.expect_download() as download:
            page.locator(".lossmon-save[open]").get_by_text(re.compile(name)).click()
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(head), name
    assert "train,epoch,11,2." not in (tmp_path / "shown").read_text()
    assert (tmp_path / "shown").read_text().count("\n") == 1 + 4 * 12


def shown_numbers(page: Page, chart: str, place: Path) -> list[dict[str, str]]:
    expect(page.locator(f"#{chart} .js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(f"#{chart}")).not_to_contain_text("reading …")
    menu = page.locator(f".lossmon-save:has([data-chart='{chart}'])")
    menu.locator("summary").click()
    with page.expect_download() as download:
        menu.get_by_text("Numbers that are shown").click()
    download.value.save_as(place / chart)
    with (place / chart).open(newline="") as file:
        return list(csv.DictReader(file))


def test_saved_numbers_say_what_they_are_of(
    seeded: str, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(f"{seeded}/run/digits-overfit")
    rows = shown_numbers(page, "run-history", tmp_path)
    of = {(row["measure"], row["line"]) for row in rows}
    assert {("loss", "train"), ("accuracy", "train"), ("loss", "val"), ("accuracy", "val")} < of
    marks = [row for row in rows if row["measure"] == "event"]
    names = {"finding, warning": 1, "loss and accuracy part ways": 2}
    assert {name: sum(row["line"] == name for row in marks) for name in names} == names
    assert [row for row in marks if row["y"]] == []
    assert all(row["along"] == "epoch" for row in rows)
    lost = shown_numbers(open_page(f"{seeded}/run/digits-nan"), "run-history", tmp_path)
    marks = [row for row in lost if row["line"] == "not a finite number"]
    assert marks
    assert {(row["measure"], row["y"], row["said"]) for row in marks} == {("loss", "", "NaN")}


def test_every_chart_saves_numbers_that_are_told_apart(
    seeded: str, sampled: str, open_page: OpenPage, tmp_path: Path
) -> None:
    several = f"{seeded}/compare?runs=digits-cnn,digits-overfit,breast-cancer-logits"
    places = {
        f"{several}&view=overlaid": {
            "compare-overlay": {"loss", "accuracy, as meant"},
            "compare-pareto": {"validation accuracy, as meant"},
        },
        f"{several}&view=apart": {"compare-overlay": {"loss"}},
        f"{several}&view=apart&measure=accuracy": {"compare-overlay": {"accuracy, as meant"}},
        f"{sampled}/run/sampled?tab=samples": {
            "run-mistaken": {"share of the true class"},
            "run-by-class": {"mean loss", "share right"},
        },
        f"{sampled}/run/sampled?tab=calibration": {
            "run-reliability": {"share right"},
            "run-calibration": {"confidence minus accuracy"},
        },
        f"{sampled}/run/sampled?tab=divergence": {"run-right-and-wrong": {"mean loss of a sample"}},
        f"{seeded}/run/breast-cancer-logits?tab=verification": {
            "run-meant": {"accuracy"},
            "run-gap": {f"{one}, printed minus recomputed" for one in ("loss", "accuracy")},
        },
    }
    for address, charts in places.items():
        page = open_page(address)
        for chart, measures in charts.items():
            rows = shown_numbers(page, chart, tmp_path)
            assert {row["measure"] for row in rows} == measures, (address, chart)
            assert all(row["line"] and row["along"] for row in rows), (address, chart)
            told = [(row["measure"], row["line"], row["x"], row["y"]) for row in rows]
            assert len(set(told)) == len(told), (address, chart)


def test_samples_and_calibration_of_the_epoch_that_is_chosen(
    sampled: str, open_page: OpenPage
) -> None:
    page = open_page(f"{sampled}/run/sampled?tab=calibration")
    told = page.locator("#run-confidence")
    expect(told).to_contain_text("surer than it is right")
    last = told.inner_text()
    thumb = page.get_by_role("slider", name="Epoch")
    thumb.press("Home")
    page.wait_for_url(re.compile("epoch=1$"))
    expect(told).to_contain_text("less sure than it is right")
    assert told.inner_text() != last
    tab(page, "Samples")
    expect(page.locator("#run-turned")).to_contain_text("turned wrong")
    expect(page.locator("#run-samples .ag-row").first).to_contain_text("wrong")
    expect(page.locator("#run-mistaken .js-plotly-plot .hm")).not_to_have_count(0)
    page.locator("#run-kind").get_by_text("Turned right").click()
    expect(page.locator("#run-samples .ag-row").first).to_contain_text("wrong → right")
    earlier = page.get_by_role("slider", name="Earlier epoch")
    # Where the validation loss is least, unless another is chosen.
    least = int(earlier.get_attribute("aria-valuenow") or 0)
    assert 1 < least < 30
    earlier.press("ArrowRight")
    page.wait_for_url(re.compile(f"epochs={least + 1}-30.*kind=turned_right"))
    page.reload()
    expect(page.locator("#run-samples-said")).to_contain_text(f"epoch 30 against epoch {least + 1}")


def test_a_phone_shows_samples_with_whole_words(sampled: str, open_page: OpenPage) -> None:
    page = open_page(f"{sampled}/run/sampled?tab=samples&kind=turned_right", width=390)
    turned = page.locator("#run-samples .ag-cell", has_text="wrong → right").first
    expect(turned).to_be_attached()
    assert turned.evaluate("one => one.scrollWidth <= one.clientWidth")
    headings = page.locator("#run-samples .ag-header-cell-text").all()
    assert len(headings) == 7
    for heading in headings:
        assert heading.evaluate("one => one.scrollWidth <= one.clientWidth")
    expect(page.locator("#run-samples")).to_have_attribute("data-more", "")


def test_samples_of_a_regression_are_told_by_their_losses(
    sampled: str, open_page: OpenPage
) -> None:
    page = open_page(f"{sampled}/run/valued?tab=samples")
    expect(page.locator("#run-samples-said")).to_contain_text("not predicted right or wrong")
    headings = page.locator("#run-samples .ag-header-cell-text")
    expect(headings).to_have_text(["Number", "Loss", "Change of loss"])
    expect(page.locator("#run-samples .ag-row").first.locator(".ag-cell")).to_have_text(
        ["1", "3", "-1"]
    )
    for part in ("#run-kind", "#run-mistaken", "#run-by-class"):
        expect(page.locator(part)).to_be_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_everyone_can_use_the_page_of_a_run(
    sampled: str, open_page: OpenPage, width: int, scheme: str
) -> None:
    page = open_page(f"{sampled}/run/sampled", width=width, scheme=scheme)
    expect(page.locator("h1")).to_have_text("sampled")
    for name in ("Curves", "Loss against", "Calibration", "Samples", "Printed", "Settings"):
        tab(page, name)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        for grid in page.locator("#page .ag-root").all():
            expect(grid.locator(".ag-header-cell").first).to_be_visible()
        assert violations(page) == [], name


def test_on_a_phone_nothing_of_the_samples_is_cut(sampled: str, open_page: OpenPage) -> None:
    page = open_page(f"{sampled}/run/sampled?tab=samples", width=390)
    turned, kinds = page.locator("#run-turned"), page.locator("#run-kinds .lossmon-choice")
    expect(turned.get_by_text("added to the mean loss")).to_be_visible()
    for part in (turned, kinds):
        assert part.evaluate("part => part.scrollWidth <= part.clientWidth")
    kinds.get_by_text("Wrong in both").click()
    page.wait_for_url(re.compile("kind=stayed_wrong"))
