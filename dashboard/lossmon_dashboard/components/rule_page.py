"""Rules as people read them: the documentation of each, and the list of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon.rules import RulePage
from lossmon_dashboard.components.prose import passages, with_code
from lossmon_dashboard.links import rule_link, run_link, runs_link
from lossmon_dashboard.theme import SEVERITY_COLOURS
from lossmon_dashboard.wording import count, sentence

_SHOWN_RUNS = 20


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


def fired_runs(code: str, runs: Sequence[Mapping[str, Any]]) -> dmc.Paper | None:
    """The runs in which a rule found something.

    Args:
        code: of the rule.
        runs: with `id`, `name`, `status` and `project`, the newest first.
    """
    if not runs:
        return None
    rows = [
        html.Div(
            [
                dcc.Link(run["name"], href=run_link(run["id"]), className="lossmon-link"),
                html.Span(" · ".join(filter(None, [run["project"], run["status"]]))),
            ],
            className="lossmon-fired",
        )
        for run in runs[:_SHOWN_RUNS]
    ]
    return dmc.Paper(
        [
            dmc.Title(f"Found in {count(len(runs), 'run')}", order=2, size="h5", mb="xs"),
            *rows,
            dcc.Link("Show them in the list", href=runs_link(code), className="lossmon-link"),
        ],
        className="lossmon-panel",
        mt="md",
    )


def rule_rows(
    pages: Sequence[RulePage], words: str, fired: Mapping[str, int] | None = None
) -> dmc.Paper | dmc.Text:
    """The rules in which all the words occur.

    Args:
        pages: the rules.
        words: to search for.
        fired: by code, in how many runs a rule found something.
    """
    found = [page for page in pages if _matches(page, words)]
    if not found:
        return dmc.Text("No rule matches.", c="dimmed")
    amounts = fired or {}
    return dmc.Paper(
        [_row(page, amounts.get(page.code, 0)) for page in found],
        className="lossmon-panel lossmon-rules",
    )


def _matches(page: RulePage, words: str) -> bool:
    text = " ".join([page.code, page.name, page.severity, page.summary]).lower()
    return all(word in text or word in text.replace("-", " ") for word in words.lower().split())


def _row(page: RulePage, fired: int) -> dcc.Link:
    return dcc.Link(
        [
            html.Span(page.code, className="lossmon-quiet"),
            html.Span(
                [
                    dmc.Text(sentence(page.name), fw=600, span=True),
                    dmc.Text(with_code(page.summary), size="sm", c="dimmed"),
                ]
            ),
            html.Span(
                [
                    html.Span(f"in {count(fired, 'run')}", className="lossmon-fired-in")
                    if fired
                    else None,
                    _severity(page),
                ],
                className="lossmon-chips",
            ),
        ],
        href=rule_link(page.code),
        className="lossmon-rule",
    )


def _severity(page: RulePage) -> dmc.Badge:
    return dmc.Badge(
        page.severity,
        color=SEVERITY_COLOURS[page.severity],
        variant="light",
        className=f"lossmon-ink-{page.severity}",
    )


def _section(title: str, text: str) -> html.Section:
    return html.Section(
        [dmc.Title(title, order=2, size="h5"), *passages(text)], className="lossmon-section"
    )
