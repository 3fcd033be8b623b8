"""Small marks: the state of a run, what was found in it, whether its numbers are verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.records import SEVERITIES, Severity
from lossmon_dashboard.components.findings import finding_target
from lossmon_dashboard.components.labels import goes_to
from lossmon_dashboard.theme import SEVERITY_COLOURS, STATUS_COLOURS
from lossmon_dashboard.wording import count, share


def status_badge(status: str) -> dmc.Badge:
    """The state of a run; a running one pulses."""
    return dmc.Badge(
        status,
        color=STATUS_COLOURS.get(status, "gray"),
        variant="dot",
        size="lg",
        className="lossmon-badge" + (" lossmon-pulse" if status == "running" else ""),
    )


def finding_badges(findings: Sequence[Mapping[str, Any]]) -> list[html.Button] | list[dmc.Badge]:
    """How many findings of each severity stand, worst first; each leads to the first of them.

    A quiet mark where there is none.
    """
    badges = [
        _leading(severity, found)
        for severity in SEVERITIES
        if (found := [finding for finding in findings if finding["severity"] == severity])
    ]
    return badges or [_quiet("no findings", "teal")]


def _leading(severity: Severity, findings: Sequence[Mapping[str, Any]]) -> html.Button:
    amount = len(findings)
    first = min(findings, key=lambda finding: finding["code"])
    badge = dmc.Badge(
        f"{amount} info" if severity == "info" else count(amount, severity),
        color=SEVERITY_COLOURS[severity],
        variant="light",
        size="lg",
        className=f"lossmon-badge lossmon-ink-{severity}",
    )
    return html.Button(
        badge,
        type="button",
        className="lossmon-plain",
        title=", ".join(f"{one['code']} {one['rule']}" for one in findings),
        **goes_to(finding_target(first)),
    )


def verified_badge(verified: float, epochs: int) -> dmc.Badge:
    """The share of epoch values that are verified."""
    if not epochs:
        return _quiet("nothing to verify", "gray")
    colour = "teal" if verified == 1 else "orange" if verified > 0 else "gray"
    return _quiet(f"{share(verified)} verified", colour)


def _quiet(words: str, colour: str) -> dmc.Badge:
    ink = {"teal": "good", "orange": "warning"}.get(colour, "dimmed")
    name = f"lossmon-badge lossmon-ink-{ink}"
    return dmc.Badge(words, color=colour, variant="light", size="lg", className=name)
