"""The list of runs as people use it: many runs, columns, groups, views, keys, changes."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from lossmon.store import Listed, RunQuery, open_store
from tests.browser.conftest import OpenPage, serving
from tests.dashboard.seed import HOSTILE, Scenario, write
from tests.store.made import STARTED, open_writer

pytestmark = pytest.mark.browser

SOON = 10_000
MANY = 130
TYPE_AND_ENTER = """(field, text) => {
    document.execCommand("insertText", false, text);
    for (const kind of ["keydown", "keyup"]) {
        field.dispatchEvent(new KeyboardEvent(kind, {key: "Enter", bubbles: true}));
    }
}"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str]]:
    """The address of a dashboard over more runs than are asked for at once, and its database."""
    path = str(tmp_path_factory.mktemp("many") / "runs.db")
    for number in range(MANY):
        name = f"run-{number:03}"
        writer = open_writer(path, name=name, started=STARTED + number, config={"lr": number % 2})
        writer.finish("finished")
        writer.close()
    with serving(path) as address:
        yield address, path


def row(page: Page, name: str) -> Locator:
    """The part of a row that has the name; the name is pinned."""
    return page.locator("#runs-grid .ag-row", has_text=name)


def tick(page: Page, name: str) -> None:
    index = row(page, name).get_attribute("row-index")
    boxes = page.locator("#runs-grid .ag-pinned-left-cols-container")
    boxes.locator(f"[row-index='{index}'] input").click()


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a dashboard over runs whose losses are huge."""
    path = str(tmp_path_factory.mktemp("huge") / "runs.db")
    for end in (3e18, 4e18):
        write(path, Scenario("burst", start=5e18, end=end))
    with serving(path) as address:
        yield address


def test_the_spread_of_huge_losses_is_written_as_they_are(huge: str, open_page: OpenPage) -> None:
    page = open_page(f"{huge}/?by=project")
    spread = re.compile(r"3\.5\de\+18 ± 7\.\de\+17")
    grid = page.locator("#runs-groups .ag-center-cols-container")
    expect(grid).to_contain_text(spread, timeout=SOON)


def test_many_runs_are_scrolled_searched_and_followed(
    many: tuple[str, str], open_page: OpenPage
) -> None:
    address, path = many
    page = open_page(address)
    expect(page.locator("#runs-summary")).to_have_text(f"{MANY} runs · no errors found")
    tick(page, "run-129")
    page.evaluate("dash_ag_grid.getApi('runs-grid').ensureIndexVisible(120)")
    expect(row(page, "run-009")).to_be_visible(timeout=SOON)
    tick(page, "run-009")
    expect(page.locator("#runs-compare")).to_have_text("Compare 2 runs")
    writer = open_writer(path, name="brand-new")
    expect(page.locator("#runs-summary")).to_contain_text("1 training", timeout=SOON)
    # What is looked at stays, and so does what was ticked.
    expect(row(page, "run-009")).to_be_visible()
    expect(page.locator("#runs-compare")).to_have_text("Compare 2 runs")
    page.get_by_label("Search runs").fill("brand")
    expect(row(page, "brand-new")).to_be_visible(timeout=SOON)
    expect(page.locator("#runs-grid .lossmon-status-running")).to_have_count(1)
    expect(page.locator("#runs-summary")).to_have_text("1 run · 1 training · no errors found")
    page.get_by_label("Search runs").fill("nothing like it")
    expect(page.get_by_text("No run matches.")).to_be_visible(timeout=SOON)
    writer.finish("finished")
    writer.close()


def test_all_that_is_found_is_ticked_changed_and_compared(
    many: tuple[str, str], open_page: OpenPage
) -> None:
    address, path = many
    page = open_page(f"{address}/?q=run-")
    told, toast = page.locator("#runs-ticked"), page.locator("#toast")
    line, shown = page.locator(".lossmon-ticked"), page.locator("main")
    expect(row(page, "run-129")).to_be_visible(timeout=SOON)
    expect(page.locator("#runs-edit")).to_be_disabled()
    expect(line).to_have_css("position", "static")
    page.get_by_label("Tick all runs found").click()
    expect(told).to_have_text("All 130 found ticked", timeout=SOON)
    expect(line).to_have_css("position", "fixed")
    expect(shown).to_have_css("padding-bottom", "96px")
    expect(page.locator("#runs-compare")).to_have_text("Compare 130 runs")
    # Rows that come later are ticked as well.
    page.evaluate("dash_ag_grid.getApi('runs-grid').ensureIndexVisible(120)")
    expect(row(page, "run-009")).to_have_class(re.compile("ag-row-selected"), timeout=SOON)
    tick(page, "run-009")
    expect(told).to_have_text("129 of 130 found ticked")
    page.get_by_label("Search runs").fill("run-00")
    expect(page.locator("#runs-summary")).to_contain_text("10 runs", timeout=SOON)
    expect(told).to_have_text("129 ticked")
    page.get_by_label("Tick all runs found").click()
    expect(told).to_have_text("All 10 found ticked, and 120 not among them", timeout=SOON)
    page.get_by_role("button", name="Untick").click()
    expect(told).to_have_text("")
    expect(line).to_have_css("position", "static")
    page.locator("h1").click()
    page.keyboard.press("a")
    expect(told).to_have_text("All 10 found ticked", timeout=SOON)

    page.get_by_role("button", name="Edit").click()
    page.get_by_role("menuitem", name="Tags").click()
    page.get_by_role("textbox", name="Tags that all").fill(HOSTILE)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save").click()
    expect(toast).to_contain_text("10 runs changed.", timeout=SOON)
    assert sum(run["tags"] == [HOSTILE] for run in listed(path)) == 10
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(toast).to_contain_text("10 runs deleted.", timeout=SOON)
    expect(page.get_by_text("No run matches.")).to_be_visible(timeout=SOON)
    expect(told).to_have_text("")
    toast.get_by_role("button", name="Undo").click()
    expect(row(page, "run-009")).to_be_visible(timeout=SOON)
    page.get_by_label("Tick all runs found").click()
    expect(page.locator("#runs-compare")).to_have_text("Compare 10 runs", timeout=SOON)
    page.locator("#runs-compare").click()
    ends = page.locator("#compare-ends .ag-center-cols-container .ag-row")
    expect(ends).to_have_count(10, timeout=SOON)


def test_the_runs_of_a_group_are_compared_by_a_link_or_by_keys(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded}/?by=project")
    link = page.get_by_role("link", name="Compare 3 runs of digits")
    expect(link).to_have_text("Compare 3", timeout=SOON)
    link.click()
    chosen = page.locator("#compare-ends .ag-center-cols-container .ag-row")
    expect(chosen).to_have_count(3, timeout=SOON)
    page.go_back()
    expect(link).to_be_visible(timeout=SOON)
    # It was no choice of the group; by keys both are made.
    assert "group=" not in page.url
    groups = page.locator("#runs-groups .ag-row", has_text="digits")
    groups.locator("[col-id=runs]").click()
    page.wait_for_url(re.compile("group=digits"))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"by=project(?!.*group=)"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(chosen).to_have_count(3, timeout=SOON)


def test_columns_groups_views_and_keys(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/?q=digits")
    expect(row(page, "digits-cnn")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Status", exact=True).uncheck()
    page.get_by_label("Findings", exact=True).uncheck()
    page.get_by_label("units", exact=True).check()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"cols=name,verified,[a-z_,]*config\.units$"))
    expect(page.locator("#runs-grid .ag-header-cell[col-id=status]")).to_have_count(0)
    page.get_by_role("textbox", name="Group by").click()
    page.get_by_role("option", name="units").click()
    expect(page.locator("#runs-groups")).to_contain_text("512", timeout=SOON)
    page.locator("#runs-groups .ag-row", has_text="512").locator("[col-id=name]").click()
    expect(page.locator("#runs-summary")).to_contain_text("1 run ·", timeout=SOON)
    page.wait_for_url(re.compile(r"by=config\.units&group=512&"))

    page.get_by_role("button", name="Views").click()
    expect(page.get_by_label("Name of the view")).to_be_focused()
    page.get_by_label("Name of the view").fill("<b>wide</b>")
    page.get_by_role("button", name="Save").click()
    page.locator("#views-list").get_by_text("All runs").click()
    expect(page.locator("#runs-summary")).to_contain_text("9 runs", timeout=SOON)
    assert page.url == f"{seeded}/"
    page.get_by_role("button", name="Views").click()
    page.locator("#views-list").get_by_text("<b>wide</b>").click()
    expect(page.locator("#runs-summary")).to_contain_text("1 run ·", timeout=SOON)
    expect(page.get_by_label("Search runs")).to_have_value("digits")

    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("#runs-summary")).to_contain_text("9 runs", timeout=SOON)
    assert page.url == f"{seeded}/"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("compare the runs")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("val_loss<0.1")
    page.keyboard.press("/")
    expect(page.get_by_label("Search runs")).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search runs")).to_be_focused()
    page.get_by_label("Search runs").blur()
    for key in ("ArrowDown", "Space", "ArrowDown", "Space"):
        page.keyboard.press(key)
    expect(page.locator("#runs-compare")).to_have_text("Compare 2 runs")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Compare runs", timeout=SOON)
    page.go_back()
    expect(row(page, "digits-cnn")).to_be_visible(timeout=SOON)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/run/"))


def test_a_search_compares_numbers_or_says_what_it_takes(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    search, summary = page.get_by_label("Search runs"), page.locator("#runs-summary")
    search.fill("val loss < 0.15 epochs=12")
    expect(summary).to_contain_text("1 run ·", timeout=SOON)
    expect(row(page, "breast-cancer-logits")).to_be_visible()
    search.fill("valloss<0.15")
    expect(summary).to_contain_text("“valloss” is no number to search by. These", timeout=SOON)


OVERTAKE = """() => {
    const api = window.dash_ag_grid.getApi("runs-grid");
    const {data} = api.getDisplayedRowAtIndex(api.getDisplayedRowCount() - 1);
    window.lossmon_runs.moveOn([{id: data.id, duration: 1e9, heartbeat: null, line: null}]);
}"""


def test_rows_are_sorted_anew_where_a_training_overtakes_others(
    seeded: str, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded}/?sort=duration:desc")
    expect(row(page, "digits-cnn")).to_be_visible(timeout=SOON)
    with page.expect_request(lambda request: "getRowsRequest" in (request.post_data or "")):
        page.evaluate(OVERTAKE)


def test_a_dialog_takes_what_is_typed(many: tuple[str, str], open_page: OpenPage) -> None:
    page = open_page(f"{many[0]}/?q=run-01")
    expect(row(page, "run-012")).to_be_visible(timeout=SOON)
    tick(page, "run-012")
    for item, field in (("Tags", "Tags that all"), ("Note", "Note"), ("Rename", "Name")):
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name=item).click()
        box = page.get_by_role("textbox", name=field)
        expect(box).to_be_focused()
        # Whatever has the focus then, keys of the page are off.
        box.blur()
        for key in ("/", "?", "a", "c"):
            page.keyboard.press(key)
        expect(page.get_by_label("Search runs")).not_to_be_focused()
        expect(page.get_by_role("dialog")).to_have_count(1)
        expect(page.locator("#runs-ticked")).to_have_text("1 ticked")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Search runs")).to_be_focused()


def test_several_runs_are_renamed_to_numbers(many: tuple[str, str], open_page: OpenPage) -> None:
    page = open_page(f"{many[0]}/?q=run-01")
    expect(row(page, "run-012")).to_be_visible(timeout=SOON)
    for name in ("run-012", "run-011"):
        tick(page, name)
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("menuitem", name="Rename").click()
    expect(page.get_by_text("Numbered in the order in which they began")).to_be_visible()
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.fill("seed")
    field.press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 runs renamed.", timeout=SOON)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "run-011")).to_be_visible(timeout=SOON)


def test_runs_are_changed_and_changes_are_undone(tmp_path: Path, open_page: OpenPage) -> None:
    path = str(tmp_path / "runs.db")
    for name in ("first", "second"):
        write(path, Scenario(name, epochs=1))
    with serving(path) as address:
        page = open_page(address)
        toast = page.locator("#toast")
        tick(page, "first")
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name="Rename").click()
        name = page.get_by_role("textbox", name="Name", exact=True)
        expect(name).to_have_value("first")
        name.select_text()
        # Faster than any hand, as on a slow machine: the browser has no moment between the two.
        name.evaluate(TYPE_AND_ENTER, HOSTILE)
        expect(toast).to_contain_text("1 run renamed.", timeout=SOON)
        expect(row(page, HOSTILE)).to_be_visible(timeout=SOON)
        assert page.locator("img[src=x]").count() == 0
        toast.get_by_role("button", name="Undo").click()
        expect(row(page, "first")).to_be_visible(timeout=SOON)

        tick(page, "second")
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name="Tags").click()
        page.get_by_role("textbox", name="Tags that all").fill("both")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Save").click()
        expect(toast).to_contain_text("2 runs changed.", timeout=SOON)
        page.wait_for_load_state("networkidle")
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name="Tags").click()
        page.get_by_role("textbox", name="Tags that all").fill("again")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("both")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.wait_for_load_state("networkidle")
        assert {tuple(run["tags"]) for run in listed(path)} == {("both", "again")}

        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name="Delete").click()
        expect(toast).to_contain_text("2 runs deleted.", timeout=SOON)
        expect(page.get_by_text("No run matches.")).to_be_visible(timeout=SOON)
        toast.get_by_role("button", name="Undo").click()
        expect(row(page, "second")).to_be_visible(timeout=SOON)

        tick(page, "second")
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("menuitem", name="Delete").click()
        expect(toast).to_be_visible(timeout=SOON)
        expect(toast).to_be_hidden(timeout=2 * SOON)
        for _ in range(50):
            if len(listed(path)) == 1:
                break
            page.wait_for_timeout(100)
        assert [run["name"] for run in listed(path)] == ["first"]
        page.close()


def listed(path: str) -> list[Listed]:
    return open_store(path).listed_runs(RunQuery(archived=True))


def test_runs_are_compared_along_any_axis_and_apart(seeded: str, open_page: OpenPage) -> None:
    page = open_page(f"{seeded}/compare?runs=digits-cnn,digits-overfit&axis=samples")
    title = page.locator("#compare-overlay .x2title")
    expect(title).to_have_text("training samples seen", timeout=SOON)
    page.locator("#compare-axis").get_by_text("Step").click()
    expect(title).to_have_text("step")
    page.locator("#compare-all").check()
    expect(page.locator("#compare-differences")).to_contain_text("environment.backend")
    page.locator("#compare-view").get_by_text("Apart").click()
    expect(page.locator("#compare-overlay .annotation-text")).to_have_count(2)
    page.locator("#compare-measure").get_by_text("Accuracy").click()
    page.wait_for_url(re.compile("axis=step&view=apart&measure=accuracy&all=1$"))
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 1 + 12 + 20
    page.get_by_role("textbox", name="Runs to compare").fill("nan")
    page.get_by_role("option", name="digits-nan").click()
    expect(page.locator("#compare-ends .ag-center-cols-container .ag-row")).to_have_count(3)
    page.goto(f"{seeded}/rules?found=1")
    expect(page.locator(".lossmon-rule")).to_have_count(4)
    page.locator(".lossmon-rule", has_text="LM301").click()
    page.get_by_role("link", name="Show them in the list").click()
    expect(page.locator("#runs-summary")).to_contain_text("1 run ·", timeout=SOON)


def test_a_comparison_strikes_out_what_is_misread_as_the_list_does(
    seeded: str, open_page: OpenPage
) -> None:
    runs = "digits-cnn,diabetes-accuracy,breast-cancer-logits"
    page = open_page(f"{seeded}/compare?runs={runs}")
    struck = page.locator("#compare-ends .lossmon-misread")
    expect(struck).to_have_count(4, timeout=SOON)
    reason = "Does not mean what it says: LM301 accuracy-with-regression"
    accuracy = page.locator("#compare-ends [col-id=val_accuracy] .lossmon-misread")
    expect(accuracy.first).to_have_attribute("title", reason)
    expect(page.locator("#compare-ends [col-id=val_intended_accuracy] span")).not_to_have_count(0)
    assert (
        page.locator("#compare-ends [col-id=val_intended_accuracy] .lossmon-misread").count() == 0
    )
