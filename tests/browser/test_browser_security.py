"""A run made of hostile text does nothing on any page."""

from __future__ import annotations

from pathlib import Path

import pytest
from lossmon_dashboard.run_tabs import TABS
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, serving
from tests.cli.test_cli_hostile import record

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'


def untouched(page: Page) -> None:
    """Nothing of a hostile text became part of the page, or ran."""
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.owned") is None
    assert page.locator("img[src=x], a[href^='javascript']").count() == 0


def test_hostile_texts_do_nothing_on_any_page(tmp_path: Path, open_page: OpenPage) -> None:
    db = tmp_path / "evil.db"
    runs = [record(db, EVIL), record(db, EVIL)]
    with serving(str(db)) as address:
        page = open_page(address)
        expect(page.locator("#runs-grid")).to_contain_text(EVIL)
        untouched(page)
        page.goto(f"{address}/run/{runs[0]}")
        # The first run that a server describes takes it longest.
        expect(page.locator("h1")).to_have_text(EVIL, timeout=20_000)
        for tab in TABS:
            page.goto(f"{address}/run/{runs[0]}?tab={tab.KEY}")
            expect(page.locator("h1")).to_have_text(EVIL)
            untouched(page)
            if tab.KEY == "settings":
                expect(page.locator("#run-settings")).to_contain_text(EVIL)
        page.goto(f"{address}/compare?runs={','.join(runs)}")
        expect(page.locator("#compare-ends")).to_contain_text(EVIL)
        untouched(page)
        page.goto(f"{address}/rules?q=%3Cimg%20src=x%20onerror=window.owned=1%3E")
        expect(page.locator("h1")).to_have_text("Rules")
        untouched(page)
