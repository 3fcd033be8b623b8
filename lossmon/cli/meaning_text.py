"""What the last numbers are worth: beside the accuracy that was meant, and a constant answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.cli.words import Row, number

_SPLITS = {"train": "training", "val": "validation"}


def print_meaning(console: Console, outputs: Sequence[Row], epochs: Sequence[Row]) -> None:
    """The last epoch of each split and output; nothing where nothing is known."""
    last = max((row["epoch"] for row in epochs), default=-1)
    meant = {output["name"]: output["intended_metric"] for output in outputs}
    rows = [row for row in epochs if row["epoch"] == last]
    told = [(row, list(_sentences(row, meant.get(row["output"])))) for row in rows]
    if not any(sentences for _, sentences in told):
        return
    console.print(f"[bold]what the numbers are worth[/] (epoch {last + 1})")
    for row, sentences in told:
        if not sentences:
            continue
        output = "" if row["output"] is None else f", output {row['output']}"
        console.print(escape(f"{_SPLITS[row['split']]}{output}"))
        for sentence in sentences:
            console.print(Padding(f"– {escape(sentence)}", (0, 0, 0, 2), expand=False))
    console.print()


def _sentences(row: Row, metric: str | None) -> Iterator[str]:
    if row["intended_accuracy"] is not None:
        printed, right = number(row["reported_accuracy"]), number(row["intended_accuracy"])
        yield f"accuracy: printed {printed}, meant {right}" + (f" by {metric}" if metric else "")
    if row["intended_exact_match"] is not None:
        share = f"{row['intended_exact_match']:.1%}"
        yield f"in {share} of the samples every label is right"
    best = row["baselines"] or {}
    known = {
        "accuracy": best.get("majority_accuracy"),
        "loss": best.get("constant_loss"),
    }
    reached = [f"{name} {number(value)}" for name, value in known.items() if value is not None]
    if reached:
        yield f"a constant answer would reach {' and '.join(reached)}"
