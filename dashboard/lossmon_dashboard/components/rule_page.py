"""Rules as people read them: the documentation of each, and the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon.rules import RulePage
from lossmon_dashboard.components.prose import passages, with_code
from lossmon_dashboard.links import rule_link
from lossmon_dashboard.theme import SEVERITY_COLOURS
from lossmon_dashboard.wording import sentence


def rule_page(page: RulePage) -> dmc.Paper:
    """The documentation of one rule."""
    return dmc.Paper(dmc.Stack(_parts(page), gap="md"), className="lossmon-panel", mt="xs")


def _parts(page: RulePage) -> list[Any]:
    return [
        html.Div(
            [
                dmc.Title(
                    sentence(page.name),
                    order=1,
                    size="h2",
                    className="lossmon-title",
                    mt=4,
                ),
                dmc.Group([_severity(page), dmc.Text(page.code, c="dimmed")], gap="xs", mt=4),
            ]
        ),
        dmc.Text(with_code(page.summary)),
        *(_section(title, text) for title, text in page.sections.items()),
    ]


def rule_rows(pages: Sequence[RulePage], words: str) -> dmc.Paper | dmc.Text:
    """The rules in which all the words occur."""
    found = [page for page in pages if _matches(page, words)]
    if not found:
        return dmc.Text("No rule matches.", c="dimmed")
    return dmc.Paper([_row(page) for page in found], className="lossmon-panel lossmon-rules")


def _matches(page: RulePage, words: str) -> bool:
    text = " ".join([page.code, page.name, page.severity, page.summary]).lower()
    return all(word in text or word in text.replace("-", " ") for word in words.lower().split())


def _row(page: RulePage) -> dcc.Link:
    return dcc.Link(
        [
            html.Span(page.code, className="lossmon-quiet"),
            html.Span(
                [
                    dmc.Text(sentence(page.name), fw=600, span=True),
                    dmc.Text(with_code(page.summary), size="sm", c="dimmed"),
                ]
            ),
            _severity(page),
        ],
        href=rule_link(page.code),
        className="lossmon-rule",
    )


def _severity(page: RulePage) -> dmc.Badge:
    return dmc.Badge(page.severity, color=SEVERITY_COLOURS[page.severity], variant="light")


def _section(title: str, text: str) -> html.Section:
    return html.Section(
        [dmc.Title(title, order=2, size="h5"), *passages(text)], className="lossmon-section"
    )
