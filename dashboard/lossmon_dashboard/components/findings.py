"""Findings: what is wrong, the values that prove it, and the code that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon.records import SEVERITIES
from lossmon.rules import change_text, evidence_terms
from lossmon.rules.compile_call import place_of
from lossmon_dashboard.components.code import paste_ready
from lossmon_dashboard.components.labels import spoken, target
from lossmon_dashboard.components.prose import with_code
from lossmon_dashboard.links import rule_link
from lossmon_dashboard.theme import SEVERITY_COLOURS
from lossmon_dashboard.wording import capitalised, listing, sentence

Row = Mapping[str, Any]

_MEANING = {
    "error": "A printed number is meaningless, or the loss is not the one that was meant.",
    "warning": "Probably not what was meant.",
    "info": "Advice: by itself no mistake.",
}


def finding_panel(
    findings: Sequence[Row], changes: Sequence[Row], withdrawn: Sequence[Row] = ()
) -> dmc.Stack:
    """All findings of a run; below them those taken back, and how its rules were changed."""
    told = [f"Withdrawn: {one['message']}" for one in withdrawn]
    told += [f"Rules: {change_text(change)}." for change in changes]
    lines = [dmc.Text(line, size="sm", c="dimmed") for line in told]
    return dmc.Stack([finding_list(findings), *lines], gap="xs")


def finding_list(findings: Sequence[Row]) -> dmc.Stack | dmc.Text:
    """All findings of a run, worst first, advice folded; a quiet line where there are none.

    That all is well is for the verdict to say, which knows more than the rules.
    """
    if not findings:
        return dmc.Text("No findings: no rule flags this run.", size="sm", c="dimmed")
    ordered = sorted(findings, key=lambda row: (SEVERITIES.index(row["severity"]), row["code"]))
    flags = [finding_card(row) for row in ordered if row["severity"] != "info"]
    advice = [row for row in ordered if row["severity"] == "info"]
    return dmc.Stack([*flags, *([_advice(advice)] if advice else [])], gap="sm")


def _advice(findings: Sequence[Row]) -> html.Details:
    """What is only advice, in a line that opens: who came for the curves is not held up by it."""
    rules = listing(list(dict.fromkeys(sentence(row["rule"]) for row in findings)))
    pieces = "1 piece" if len(findings) == 1 else f"{len(findings)} pieces"
    head = [
        dmc.Badge(
            "info",
            color=SEVERITY_COLOURS["info"],
            variant="filled",
            radius="sm",
            mr=8,
            className="lossmon-severity-info",
        ),
        f"{pieces} of advice: {rules}",
    ]
    cards = dmc.Stack([finding_card(row) for row in findings], gap="sm")
    return html.Details([html.Summary(head), cards], className="lossmon-more")


def finding_card(finding: Row) -> dmc.Paper:
    """One finding with its evidence and its fix."""
    colour = SEVERITY_COLOURS[finding["severity"]]
    return dmc.Paper(
        dmc.Stack(
            [
                dmc.Group(_heading(finding, colour), gap="xs"),
                dmc.Text(with_code(capitalised(finding["message"]))),
                _evidence(finding["evidence"]),
                _fix(finding["fix"]),
            ],
            gap="sm",
        ),
        className=f"lossmon-panel lossmon-finding lossmon-{finding['severity']}",
        **target(finding_target(finding)),
    )


def finding_target(finding: Row) -> str:
    """By which the card of a finding is found on the page."""
    return finding_name(finding["code"], finding["output"])


def finding_name(code: str, output: str | None) -> str:
    """By which the card of what a rule found of an output is found on the page."""
    return f"finding:{code}:{output or ''}"


def _heading(finding: Row, colour: str) -> list[Any]:
    output = finding["output"]
    return [
        dmc.Tooltip(
            dmc.Badge(
                finding["severity"],
                color=colour,
                variant="filled",
                radius="sm",
                className=f"lossmon-severity-{finding['severity']}",
            ),
            label=_MEANING[finding["severity"]],
        ),
        dmc.Text(sentence(finding["rule"]), fw=600),
        dcc.Link(finding["code"], href=rule_link(finding["code"]), className="lossmon-link"),
        *([dmc.Badge(f"output {output}", variant="default", tt="none")] if output else []),
        *([dmc.Badge(f"rank {finding['rank']}", variant="default")] if "rank" in finding else []),
    ]


def _evidence(evidence: Row) -> html.Div | None:
    if not evidence:
        return None
    terms = evidence_terms(evidence)
    values = [html.Div([html.Dt(term.name), html.Dd(term.value)]) for term in terms]
    return html.Div(
        html.Dl(values, className="lossmon-evidence"), role="group", **spoken("Evidence")
    )


def _fix(fix: str) -> html.Div | None:
    if not fix:
        return None
    place = place_of(fix)
    head = "Fix" if place is None else f"Fix (goes {place})"
    return html.Div([dmc.Text(head, size="sm", fw=600, mb=4), paste_ready(fix)])
