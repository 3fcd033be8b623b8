"""Where loss and accuracy of a run part ways, as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.cli.words import Row


def print_divergence(console: Console, episodes: Sequence[Row]) -> None:
    """Each episode in sentences; nothing where there are none.

    Args:
        console: where to print.
        episodes: documents of `lossmon.analysis.Divergence`.
    """
    if not episodes:
        return
    console.print("[bold]where loss and accuracy part ways[/]")
    for episode in episodes:
        if episode["output"] is not None:
            console.print(escape(f"output {episode['output']}"))
        console.print(Padding(escape(episode["summary"]), (0, 0, 0, 2), expand=False))
        for sentence in (*(cause["sentence"] for cause in episode["causes"]), episode["advice"]):
            console.print(Padding(f"– {escape(sentence)}", (0, 0, 0, 4), expand=False))
    console.print()


def print_splits(console: Console, differences: Sequence[Row]) -> None:
    """Why training and validation loss differ; nothing where they do not, or nobody knows.

    Args:
        console: where to print.
        differences: documents of `lossmon.analysis.SplitDifference`.
    """
    if not differences:
        return
    console.print("[bold]training and validation[/]")
    for one in differences:
        output = "" if one["output"] is None else f"output {one['output']}: "
        console.print(Padding(escape(output + one["sentence"]), (0, 0, 0, 2), expand=False))
    console.print()
