"""Findings as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.cli.words import Row, styled
from lossmon.records import Location
from lossmon.rules.compile_call import place_of


def print_findings(console: Console, rows: Sequence[Row]) -> None:
    """Findings with their message and fix."""
    if not rows:
        console.print("[green]no findings[/]")
    for row in rows:
        where = f" on output {row['output']!r}" if row["output"] else ""
        where += f" on rank {row['rank']}" if "rank" in row else ""
        head = f"{styled(row['severity'])} [bold]{escape(row['code'])} {escape(row['rule'])}[/]"
        console.print(head + escape(where))
        if places := _places(row):
            console.print(f"  [dim]{escape(places)}[/]", soft_wrap=True)
        console.print(Padding(escape(row["message"]), (0, 0, 0, 2), expand=False))
        # Lines of code stay whole, so that they can be copied.
        console.print("  [bold]Fix:[/]")
        for line in row["fix"].splitlines():
            console.print(f"  {escape(line)}", soft_wrap=True)
        if (place := place_of(row["fix"])) is not None:
            console.print(f"  [dim](goes {place})[/]")
        console.print()


def _places(row: Row) -> str:
    """Where a program makes the calls that a finding is about, where that is known."""
    known = [(name, row[name]) for name in ("compile", "fit") if row.get(name)]
    return ", ".join(f"{name} at {Location(**place)}" for name, place in known)
