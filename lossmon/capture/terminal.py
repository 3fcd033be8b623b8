"""What the person at `model.fit` is told, on standard error, once."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from lossmon.records import Finding

_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "cyan"}


def announce(findings: Sequence[Finding]) -> None:
    """Print errors and warnings with their fix. Nothing else: silence means fine."""
    flags = [f for f in findings if f.severity != "info"]
    if not flags:
        return
    console = Console(stderr=True, highlight=False)
    for finding in flags:
        where = f" on output {finding.output!r}" if finding.output else ""
        console.print(
            f"\n[{_STYLES[finding.severity]}]lossmon {finding.severity}[/] "
            f"[bold]{finding.code} {finding.rule}[/]{escape(where)}"
        )
        console.print(f"  {escape(finding.message)}")
        console.print("  [bold]Fix:[/] " + escape(finding.fix.replace("\n", "\n       ")))
    console.print(f"  [dim]More: lossmon rules {flags[0].code}[/]\n")


def say(message: str) -> None:
    """Print a trouble of lossmon's own."""
    Console(stderr=True, highlight=False).print(f"[bold yellow]lossmon:[/] {escape(message)}")
