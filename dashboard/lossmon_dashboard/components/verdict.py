"""What a run comes to, above all that it rests on."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import Point, Verdict
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.findings import finding_name
from lossmon_dashboard.components.labels import goes_to, spoken
from lossmon_dashboard.components.prose import with_code


def verdict_panel(verdict: Verdict) -> dmc.Paper:
    """The sentences of a verdict; codes in it lead to what the rule found.

    Args:
        verdict: of the run, as `lossmon.analysis.verdict` gives it.
    """
    told: list[Any] = []
    for point in verdict.points:
        told += [" "] if told else []
        told.append(html.Span(_told(point), className="lossmon-point"))
    return callout(verdict.standing, "In short", dmc.Text(told, maw=980))


def _told(point: Point) -> list[Any]:
    then = [" ", *with_code(_whole(point.then))] if point.then else []
    return [*with_code(_whole(point.said)), *_end(point), *then]


def _end(point: Point) -> list[Any]:
    """The code of a rule and the full stop; its parentheses begin and end no line alone."""
    if point.code is None:
        return ["."]
    named = ["(", _link(point.code, point.output), ")."]
    return [" ", html.Span(named, className="lossmon-unbroken")]


def _whole(text: str) -> str:
    """The same, no line of it beginning with an arrow or an error, or ending before the latter."""
    kept = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    return text.replace(" → ", "\N{NO-BREAK SPACE}→ ").replace(" ± ", kept)


def _link(code: str, output: str | None) -> html.Button:
    return html.Button(
        code,
        type="button",
        className="lossmon-link lossmon-inline",
        **goes_to(finding_name(code, output)),
        **spoken(f"{code}: evidence and fix"),
    )
