"""What the person at `model.fit` is told, on standard error, once."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from rich.console import Console
from rich.markup import escape

from lossmon.records import Finding
from lossmon.rules.compile_call import place_of

_FIX = "[bold]Fix:[/]"
_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "cyan"}


def announce(findings: Sequence[Finding]) -> None:
    """Print errors and warnings with their fix. Nothing else: silence means fine."""
    flags = [f for f in findings if f.severity != "info"]
    if not flags:
        return
    lines: list[str] = []
    for code, same in groupby(flags, key=attrgetter("code")):
        for finding in same:
            lines += _lines(finding)
        lines.append(f"  [dim]More: lossmon rules {code}[/]")
    _print(*lines, "")


def _lines(finding: Finding) -> list[str]:
    where = f" on output {finding.output!r}" if finding.output else ""
    lines = [
        f"\n[{_STYLES[finding.severity]}]lossmon {finding.severity}[/] "
        f"[bold]{finding.code} {finding.rule}[/]{escape(where)}",
        f"  {escape(finding.message)}",
        f"  {_FIX} " + escape(finding.fix.replace("\n", "\n       ")),
    ]
    if (place := place_of(finding.fix)) is not None:
        lines.append(f"       [dim](goes {place})[/]")
    return lines


def say(message: str) -> None:
    """Print a trouble of lossmon's own."""
    _print(f"[bold yellow]lossmon:[/] {escape(message)}", begin=_on_terminal())


def _on_terminal() -> str:
    """What ends a progress bar that stands on the line: Keras draws it anew on the next one."""
    try:
        return "\n" if sys.stderr.isatty() else ""
    except (ValueError, AttributeError):
        return ""


def _print(*lines: str, begin: str = "") -> None:
    """Write to standard error, if there still is one that listens."""
    stream = sys.stderr
    try:
        terminal = stream.isatty()
        width = Console(stderr=True).width
        text = io.StringIO()
        console = Console(file=text, force_terminal=terminal, width=width, highlight=False)
        for line in lines:
            # Lines of code stay whole, so that they can be copied.
            console.print(line, soft_wrap=_FIX in line)
        # Not by rich, which ends the process when a pipe is broken.
        stream.write(begin + text.getvalue())
        stream.flush()
    except (OSError, ValueError, AttributeError):
        return
