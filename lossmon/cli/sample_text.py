"""Validation samples of a run: which ones turned between two epochs, and the worst ones."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Console
from rich.markup import escape

from lossmon.analysis import largest_losses, sample_row, turned_samples
from lossmon.cli.epoch_text import least_loss
from lossmon.cli.words import Row, number, table
from lossmon.errors import InvalidArgument
from lossmon.records import SampleRecord
from lossmon.store import Store

WORST = 10
_SHOWN = 8
_KINDS = {
    "stayed_right": "right in both",
    "stayed_wrong": "wrong in both",
    "turned_wrong": "turned wrong",
    "turned_right": "turned right",
}
_NONE = (
    "no validation samples were recorded: there were none, or too many (Monitor(samples=…)), or "
    "they were not asked for"
)


def sample_rows(store: Store, document: Row, between: tuple[int, int] | None) -> list[Row]:
    """What is known of the samples of each output.

    Args:
        store: where they are.
        document: the run.
        between: two epochs, from 0; None for that of the least loss and the last one.

    Raises:
        UsageError: the samples of one of these epochs were not recorded.
    """
    found: list[Row] = []
    for output in document["outputs"]:
        name = output["name"]
        known = store.sample_epochs(document["id"], output=name)
        if known:
            first, last = between or (_best(document["epochs"], name, known), known[-1])
            _demand(known, first, last)
            records = store.sample_records(document["id"], [first, last], output=name)
            found.append(_row(name, records[0], records[-1]))
    return found


def _best(epochs: Sequence[Row], output: str | None, known: Sequence[int]) -> int:
    rows = [
        row
        for row in epochs
        if row["split"] == "val" and row["output"] == output and row["epoch"] in known
    ]
    return least_loss(rows, known[0])


def _demand(known: Sequence[int], *wanted: int) -> None:
    for epoch in wanted:
        if epoch not in known:
            raise click.UsageError(
                f"expected epochs whose samples were recorded, {known[0] + 1} to {known[-1] + 1}. "
                f"Received: {epoch + 1}."
            )


def _row(output: str | None, before: SampleRecord, after: SampleRecord) -> Row:
    try:
        turned = turned_samples(before, after).document()
    except InvalidArgument:
        turned = None
    samples = after.samples
    return {
        "output": output,
        "epochs": [before.epoch, after.epoch],
        "n": len(after.loss),
        "keyed_by": None if samples is None else samples.keyed_by,
        "turned": turned,
        "worst": [sample_row(after, place) for place in largest_losses(after, WORST).tolist()],
    }


def print_samples(console: Console, rows: Sequence[Row]) -> None:
    """Which samples turned, and the worst ones; numbers are positions in the data, from 0."""
    if not rows:
        console.print(escape(_NONE))
    for row in rows:
        first, last = (epoch + 1 for epoch in row["epochs"])
        of = "" if row["output"] is None else f" of output {row['output']}"
        title = f"validation samples{of}, numbered from 0"
        console.print(f"[bold]{escape(title)}[/]")
        if row["turned"] is not None and first != last:
            _print_turned(console, row["turned"], first, last)
        _print_worst(console, row["worst"], last)


def _print_turned(console: Console, turned: Row, first: int, last: int) -> None:
    numbers = ("samples", "worse", "in the loss")
    shown = table(f"epochs {first} → {last}", *numbers, "most worse first", numbers=numbers)
    for name, title in _KINDS.items():
        change = turned[name]
        places = ", ".join(map(str, change["positions"][:_SHOWN]))
        more = ", …" if change["samples"] > _SHOWN else ""
        counts = (f"{change['samples']:,}", f"{change['worse']:,}", f"{change['loss']:+.4g}")
        shown.add_row(title, *counts, places + more)
    console.print(shown)
    console.print()


def _print_worst(console: Console, worst: Sequence[Row], epoch: int) -> None:
    columns = ("label", "predicted", "confidence")
    known = [name for name in columns if any(row[name] is not None for row in worst)]
    shown = table(f"worst, epoch {epoch}", "loss", *known, numbers=("loss", *known))
    for row in worst:
        shown.add_row(str(row["position"]), number(row["loss"]), *(number(row[n]) for n in known))
    console.print(shown)
    console.print()
