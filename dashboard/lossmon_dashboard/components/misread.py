"""Values that do not mean what they say, or promise nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from lossmon.analysis import MISREAD, misjudging, misreading
from lossmon_dashboard.wording import capitalised, number


def misread_by(findings: Sequence[Mapping[str, Any]]) -> str:
    """Why the accuracy of a run does not mean what it says; empty where it does.

    Args:
        findings: of the run.
    """
    found = misreading(findings)
    return "" if found is None else found.why


def misjudged_by(findings: Sequence[Mapping[str, Any]]) -> str:
    """Why the validation of a run promises nothing of new samples; empty where it may.

    Args:
        findings: of the run.
    """
    found = misjudging(findings)
    return "" if found is None else found.why


def struck_out(said: str, why: str, meant: float | None = None) -> list[Any]:
    """A number that is misread within a sentence, and what to take in its place.

    Args:
        said: the number.
        why: as `misread_by` says it.
        meant: the number that was meant; None where none is known.
    """
    instead = MISREAD if meant is None else f"{number(meant, 3)} was meant"
    struck = html.Span(said, className="lossmon-misread", title=f"{capitalised(MISREAD)}: {why}")
    return [struck, f" ({instead})"]
