"""Every page and dialog can be used by everyone: axe-core finds nothing, light or dark."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

SOON = 10_000
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("dark", 390), ("light", 1280))
# What is there once the page has been filled.
PAGES = {
    "/?by=project": "#runs-groups .ag-row",
    "/rules": ".lossmon-rule",
    "/rules/LM301": "#rules-runs a",
    "/rules/LM999": ".lossmon-notice",
    "/compare?runs=digits-cnn,digits-overfit,digits-nan,diabetes&all=1": "#compare-ends .ag-row",
    "/compare?runs=digits-cnn,digits-overfit&view=apart": "#compare-ends .ag-row",
    "/run/diabetes?tab=calibration": "#run-tab-calibration h2",
    "/run/custom-step?tab=samples": "#run-tab-samples h2",
}


def assert_usable(page: Page, what: str) -> None:
    """Look at the page as it stands, in both schemes, on a phone and on a desk."""
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], f"{what}, {scheme}"


def test_everyone_can_use_every_page(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    for address, filled in PAGES.items():
        page.goto(seeded + address)
        expect(page.locator(filled).first).to_be_visible(timeout=SOON)
        assert_usable(page, address)


def test_everyone_can_use_the_dialogs_of_the_list(seeded: str, open_page: OpenPage) -> None:
    page = open_page(seeded)
    box = page.locator("#runs-grid .ag-pinned-left-cols-container .ag-row input").first
    expect(page.get_by_role("link", name="digits-cnn")).to_be_visible(timeout=SOON)
    box.click()
    dialog = page.get_by_role("dialog")
    for name in ("Columns", "Views"):
        button = page.get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-expanded", "false")
        button.click()
        expect(dialog).to_be_visible(timeout=SOON)
        expect(button).to_have_attribute("aria-expanded", "true")
        assert_usable(page, name)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=SOON)
    page.locator("#runs-grid").press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible(timeout=SOON)
    assert_usable(page, "keys")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden(timeout=SOON)
    for name in ("Rename", "Tags"):
        page.get_by_role("button", name="Edit").click()
        item = page.get_by_role("menuitem", name=name)
        expect(item).to_be_visible(timeout=SOON)
        if name == "Rename":
            assert_usable(page, "menu")
        item.click()
        expect(page.get_by_role("dialog", name=name)).to_be_visible(timeout=SOON)
        assert_usable(page, name)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=SOON)


CONTRAST = """([part, pseudo]) => {
    const shade = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map((one) => Number(one) / 255);
        const linear = (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const shown = document.querySelector(part);
    const ink = shade(getComputedStyle(shown, pseudo).color);
    const ground = shade(getComputedStyle(shown).backgroundColor);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_placeholders_and_disabled_buttons_can_be_read(
    seeded: str, open_page: OpenPage, scheme: str
) -> None:
    page = open_page(seeded, scheme=scheme)
    for button in ("#runs-edit", "#runs-compare"):
        expect(page.locator(button)).to_be_disabled()
        assert page.evaluate(CONTRAST, [button, None]) >= 3, button
    for field in ("#runs-search", "#runs-by"):
        assert page.evaluate(CONTRAST, [field, "::placeholder"]) >= 4.5, field
