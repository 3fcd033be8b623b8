"""Why the printed numbers of a run's last epoch differ from what a reader may expect."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.cli.words import Row

_SPLITS = {"train": "training", "val": "validation"}


def print_reconciliation(console: Console, epochs: Sequence[Row]) -> None:
    """The sentences of the last epoch, for each split and output; nothing where there are none."""
    last = max((row["epoch"] for row in epochs), default=-1)
    rows = [row for row in epochs if row["epoch"] == last and row["reconciliation"]]
    if not rows:
        return
    console.print(f"[bold]why the numbers differ[/] (epoch {last + 1})")
    for row in rows:
        output = "" if row["output"] is None else f", output {row['output']}"
        console.print(escape(f"{_SPLITS[row['split']]}{output}"))
        for sentence in row["reconciliation"]:
            console.print(Padding(f"– {escape(sentence)}", (0, 0, 0, 2), expand=False))
    console.print()
