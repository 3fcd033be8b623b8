"""Small marks: the state of a run, what was found in it, whether its numbers are verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc

from lossmon.records import SEVERITIES
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


def finding_badges(findings: Sequence[Mapping[str, Any]]) -> list[dmc.Badge]:
    """How many findings of each severity stand, worst first; a quiet mark where there is none."""
    badges = [
        dmc.Badge(
            f"{amount} info" if severity == "info" else count(amount, severity),
            color=SEVERITY_COLOURS[severity],
            variant="light",
            size="lg",
            className=f"lossmon-badge lossmon-ink-{severity}",
        )
        for severity in SEVERITIES
        if (amount := sum(finding["severity"] == severity for finding in findings))
    ]
    return badges or [_quiet("no findings", "teal")]


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
