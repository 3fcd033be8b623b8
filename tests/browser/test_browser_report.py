"""A report opens from a file at every size, asks for nothing and follows the colour scheme."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

import lossmon
from lossmon.report import html_page, report_of
from tests.dashboard.seed import HOSTILE, seed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    seed(str(directory / "runs.db"))
    store = lossmon.open_store(str(directory / "runs.db"))
    runs = ("digits-cnn", "digits-overfit", HOSTILE)
    target = directory / "report.html"
    target.write_text(html_page(report_of([store.run(run) for run in runs])), encoding="utf-8")
    return target


@pytest.mark.parametrize(("scheme", "ink"), [("light", "31, 41, 55"), ("dark", "215, 219, 224")])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_opens_from_a_file(
    browser: Browser, report_file: Path, width: int, scheme: str, ink: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # pyright: ignore[reportArgumentType]
        offline=True,
    )
    page = context.new_page()
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(report_file.as_uri())
    assert asked == [report_file.as_uri()]
    assert trouble == []
    assert page.title() == "3 runs compared · lossmon"
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.locator("figure svg").count() == 8
    for drawn in page.locator("figure svg").all():
        assert (drawn.bounding_box() or {"height": 0})["height"] > 150
    colour = page.locator("figure svg text").first.evaluate("e => getComputedStyle(e).fill")
    assert colour == f"rgb({ink})"
    assert page.locator("h2", has_text=HOSTILE).count() == 1
    context.close()
