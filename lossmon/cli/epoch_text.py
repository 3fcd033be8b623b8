"""The epochs of a run: their courses as small curves, and their values as a table."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from lossmon.cli.sparkline import sparkline
from lossmon.cli.words import Row, number, styled, table

# A run of more epochs is told by those that matter, and by so many of its course and its end.
MANY = 20
SPREAD = 10
LAST = 3
_COURSE_WIDTH = 32
_QUOTED = re.compile(r"\bepochs? (\d+)(?:–(\d+))?", re.IGNORECASE)


def print_courses(console: Console, epochs: Sequence[Row]) -> None:
    """Small curves of the model as a whole: loss and accuracy, train and val."""
    whole = [row for row in epochs if row["output"] is None]
    # Two of them stand on one line, behind what they are of.
    width = max(8, min(_COURSE_WIDTH, (console.width - len("accuracy  train    val ")) // 2))
    for value in ("loss", "accuracy"):
        known = f"recomputed_{value}"
        curves: list[str] = []
        for split in ("train", "val"):
            rows = [row for row in whole if row["split"] == split]
            values = [row[value] if row[known] is None else row[known] for row in rows]
            if curve := sparkline(values, width=width):
                curves.append(f"[dim]{split}[/] {curve}")
        if curves:
            console.print(f"{value:<9}", "   ".join(curves))


_EPOCH_COLUMNS = {
    "reported\nloss": "reported_loss",
    "recomputed\nloss": "recomputed_loss",
    "penalty": "penalty",
    "reported\naccuracy": "reported_accuracy",
    "recomputed\naccuracy": "recomputed_accuracy",
    "meant\naccuracy": "intended_accuracy",
}


def quoted_epochs(sentences: Iterable[str]) -> set[int]:
    """The epochs, from 0, that sentences name, which count from 1."""
    found = (match for sentence in sentences for match in _QUOTED.finditer(sentence))
    return {int(number) - 1 for match in found for number in match.groups() if number}


def print_epochs(
    console: Console, epochs: Sequence[Row], *, quoted: Iterable[int] = (), every: bool = False
) -> None:
    """Reported and recomputed values of epochs, a table for each output.

    Args:
        console: to print on.
        epochs: their rows.
        quoted: epochs that are told of elsewhere, which are to be shown in any case.
        every: whether each is to be shown; else of more than `MANY` some of the course, that of
            the least loss, each whose status is not that of the one before, and the last ones.
    """
    known = {row["epoch"] for row in epochs}
    shown = known if every else _telling(epochs) | (known & set(quoted))
    outputs = list(dict.fromkeys(row["output"] for row in epochs))
    for output in outputs:
        if len(outputs) > 1:
            title = "whole model" if output is None else f"output {output}"
            console.print(f"[bold]{escape(title)}[/]")
        rows = [row for row in epochs if row["output"] == output and row["epoch"] in shown]
        shared = _shared_reasons(rows)
        console.print(_epoch_table(rows, shared))
        for reason, mark in shared.items():
            console.print(Padding(f"{mark} {escape(reason)}", (0, 0, 0, 2), expand=False))
        console.print()
    if left := len(known - shown):
        console.print(
            f"{left:,} of {len(known):,} epochs are left out, each with the status of the one "
            "before it: [bold]--every-epoch[/] shows them.\n"
        )


def _telling(epochs: Sequence[Row]) -> set[int]:
    """The epochs to show."""
    known = sorted({row["epoch"] for row in epochs})
    if len(known) <= MANY:
        return set(known)
    course = known[:: math.ceil(len(known) / SPREAD)]
    return {*course, _least(epochs), *_changed(epochs), *known[-LAST:]}


def _least(epochs: Sequence[Row]) -> int:
    """The epoch of the least loss: of validation data where there is any."""
    whole = [row for row in epochs if row["output"] is None] or epochs
    rows = [row for row in whole if row["split"] == "val"] or whole
    return least_loss(rows, rows[0]["epoch"])


def least_loss(rows: Sequence[Row], otherwise: int) -> int:
    """The epoch of the least loss of one split and output.

    Args:
        rows: its epochs.
        otherwise: the epoch to take where no loss is a finite number.
    """
    known = (
        (row["loss"] if row["recomputed_loss"] is None else row["recomputed_loss"], row["epoch"])
        for row in rows
    )
    finite = [(loss, epoch) for loss, epoch in known if loss is not None and math.isfinite(loss)]
    return min(finite)[1] if finite else otherwise


def _changed(epochs: Sequence[Row]) -> set[int]:
    """The epochs from which on another status holds."""

    def series(row: Row) -> tuple[str, str]:
        return row["split"], row["output"] or ""

    return {
        next(rows)["epoch"]
        for _, course in groupby(sorted(epochs, key=series), series)
        for _, rows in groupby(course, lambda row: row["status"])
    }


def _shared_reasons(epochs: Sequence[Row]) -> dict[str, str]:
    """The reasons that several epochs have for their status, each with a mark in its place."""
    reasons = Counter(row["reason"] for row in epochs if row["reason"])
    several = [reason for reason, count in reasons.items() if count > 1]
    return {reason: f"({place})" for place, reason in enumerate(several, 1)}


def _epoch_table(epochs: Sequence[Row], marks: Mapping[str, str]) -> Table:
    """Columns that hold nothing are left out; a reason that has a mark is told below."""
    known = {
        title: key
        for title, key in _EPOCH_COLUMNS.items()
        if any(row[key] is not None and (key != "penalty" or row[key]) for row in epochs)
    }
    shown = table("epoch", "split", *known, "status", numbers=list(known))
    for row in epochs:
        reason = row["reason"]
        why = f" {marks.get(reason) or f'({reason})'}" if reason else ""
        status = styled(row["status"]) + escape(why)
        values = (number(row[key]) for key in known.values())
        shown.add_row(str(row["epoch"] + 1), escape(row["split"]), *values, status)
    return shown
