"""Rules as people read them: the documentation of each, and the list of all."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon.rules import RulePage
from lossmon_dashboard.components.code import paste_ready
from lossmon_dashboard.links import rule_link
from lossmon_dashboard.theme import SEVERITY_COLOURS

_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def rule_page(page: RulePage) -> dmc.Stack:
    """The documentation of one rule."""
    return dmc.Stack(
        [
            html.Div(
                [
                    dmc.Title(
                        page.name.replace("-", " "),
                        order=1,
                        size="h2",
                        className="lossmon-title",
                        mt=4,
                    ),
                    dmc.Group([_severity(page), dmc.Text(page.code, c="dimmed")], gap="xs", mt=4),
                ]
            ),
            dmc.Text(page.summary),
            *(_section(title, text) for title, text in page.sections.items()),
        ],
        gap="md",
    )


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
                    dmc.Text(page.name.replace("-", " "), fw=600, span=True),
                    dmc.Text(page.summary, size="sm", c="dimmed"),
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
    return html.Section([dmc.Title(title, order=2, size="h5", mb=6), *passages(text)])


def passages(text: str) -> list[Any]:
    """A text with its code set apart; nothing in it is interpreted as markup."""
    return [
        paste_ready(part) if is_code else dmc.Text(part, className="lossmon-prose")
        for part, is_code in _parts(text)
    ]


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Passages and whether each is code: fenced by three backticks or indented by four spaces."""
    for place, part in enumerate(_FENCED.split(text)):
        if place % 2:
            yield textwrap.dedent(part).strip("\n"), True
            continue
        for passage in filter(str.strip, re.split(r"\n\s*\n(?=\S)", part.strip("\n"))):
            yield from _indented(passage)


def _indented(passage: str) -> Iterator[tuple[str, bool]]:
    prose, _, code = (
        passage.partition("\n    ") if not passage.startswith("    ") else ("", "", passage)
    )
    if prose.strip():
        yield " ".join(prose.split()), False
    if code.strip():
        yield textwrap.dedent("    " + code.removeprefix("    ")), True
