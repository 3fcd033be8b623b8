"""What a run comes to, as text for people."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.cli.words import STYLES, Row

_STYLES = {**STYLES, "good": "green", "unknown": "dim"}


def print_verdict(console: Console, verdict: Row) -> None:
    """The sentences of a verdict, in the colour of how the run stands.

    Args:
        console: where to print.
        verdict: document of `lossmon.analysis.Verdict`.
    """
    style = _STYLES[verdict["standing"]]
    text = f"[{style}]in short:[/] {escape(verdict['text'])}"
    console.print(Padding(text, (0, 0, 1, 0), expand=False))
