"""Runs and their epochs as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from lossmon.cli.calibration_text import print_calibration
from lossmon.cli.divergence_text import print_divergence, print_splits
from lossmon.cli.epoch_text import print_courses, print_epochs, quoted_epochs
from lossmon.cli.finding_text import print_findings
from lossmon.cli.meaning_text import print_meaning
from lossmon.cli.reconciliation_text import print_reconciliation
from lossmon.cli.sparkline import sparkline
from lossmon.cli.verdict_text import print_verdict
from lossmon.cli.words import (
    WIDE,
    Row,
    flags,
    number,
    print_marks,
    ranks_text,
    styled,
    table,
    value_cell,
)
from lossmon.rules import change_text
from lossmon.store import ENDED_WITH

_UNBOUND = 1000
_NO_RUNS = "no runs yet: record one with model.fit(..., callbacks=[lossmon.Monitor()])"


# What a narrow terminal goes without, first to last.
_DISPENSABLE = ("split", "verified", "meant")


def print_runs(console: Console, rows: Sequence[Row]) -> None:
    """The summary table of runs, as much of it as there is room for.

    Where names of findings find none, there are their codes; a narrow terminal gets fewer columns.
    """
    if not rows:
        console.print(escape(_NO_RUNS))
        return
    wide = console.width >= WIDE
    shown = _table_of_runs(rows, console.width, wide=wide, named=wide)
    unbound = console.options.update(width=_UNBOUND)
    if wide and Measurement.get(console, unbound, shown).maximum > console.width:
        shown = _table_of_runs(rows, console.width, wide=wide, named=False)
    for count in range(1, len(_DISPENSABLE) + 1):
        if Measurement.get(console, unbound, shown).minimum <= console.width:
            break
        without = _DISPENSABLE[:count]
        shown = _table_of_runs(rows, console.width, wide=False, named=False, without=without)
    console.print(shown)
    keys = dict.fromkeys(_key(row, value) for row in rows for value in ("loss", "accuracy"))
    print_marks(console, rows, keys)


def _table_of_runs(
    rows: Sequence[Row], width: int, *, wide: bool, named: bool, without: Sequence[str] = ()
) -> Table:
    misread = any(row[_key(row, "intended_accuracy")] is not None for row in rows)
    values = {"loss": "loss", "accuracy": "accuracy" if wide else "acc."}
    if misread and "meant" not in without:
        values["intended_accuracy"] = "meant"
    split = [] if "split" in without else ["split"]
    verified = [] if "verified" in without else ["verified"]
    numeric = (*values.values(), *verified)
    last = "findings" if wide else "flags"
    course = ["course"] if wide else []
    shown = table("run", "status", *split, *course, *numeric, last, numbers=numeric)
    name, *others = shown.columns
    name.overflow = "fold"
    name.min_width = min(_longest(rows), width // 4)
    for column in others:
        column.no_wrap = True
    for row in rows:
        shown.add_row(
            escape(row["name"])
            + (f" [dim]{escape(row['id'])}[/]" if wide else "")
            + (f" [dim]{ranks_text(row)}[/]" if row["ranks"] else ""),
            styled(row["status"]),
            *(["train" if row["val_loss"] is None else "val"] if split else []),
            *([_course(row)] if wide else []),
            *(value_cell(row, _key(row, key)) for key in values),
            *([f"{row['verified']:.0%}"] if verified else []),
            flags(row, codes_only=not named),
        )
    return shown


def _longest(rows: Sequence[Row]) -> int:
    """How many columns the longest name takes."""
    return max(cell_len(row["name"]) for row in rows)


def _key(row: Row, value: str) -> str:
    """The last epoch's value on validation data; on training data where there was none."""
    return value if row["val_loss"] is None else f"val_{value}"


def _course(row: Row) -> str:
    """How the loss went, of validation data where there is any."""
    lines = row["sparkline"]
    return sparkline(lines["val_loss"] or lines["loss"])


def print_run(console: Console, document: Row, *, every_epoch: bool = False) -> None:
    """One run with its epochs, why their numbers differ, and findings."""
    console.print(
        f"[bold]{escape(document['name'])}[/] [dim]{escape(document['id'])}[/] "
        f"{styled(document['status'])}{_of_planned(document)}, "
        f"started {document['started'][:19].replace('T', ' ')} UTC"
    )
    print_verdict(console, document["verdict"])
    print_ranks(console, document)
    for output in document["outputs"]:
        name = "" if output["name"] is None else f"output {output['name']}: "
        console.print(
            escape(f"{name}loss is {output['loss'] or '–'}, ")
            + escape(f"accuracy is {output['accuracy_metric'] or '–'}")
        )
    print_courses(console, document["epochs"])
    console.print()
    quoted = quoted_epochs(_sentences(document))
    print_epochs(console, document["epochs"], quoted=quoted, every=every_epoch)
    print_meaning(console, document["outputs"], document["epochs"])
    print_reconciliation(console, document["epochs"])
    print_calibration(console, document["outputs"], document["epochs"])
    print_divergence(console, document["divergence"])
    print_splits(console, document["splits"])
    print_findings(console, document["findings"])
    for finding in document["withdrawn"]:
        console.print(f"[dim]withdrawn:[/] {escape(finding['message'])}")
    for change in document["rules"]:
        console.print("[dim]rules:[/] " + escape(change_text(change)))
    for trouble in document["troubles"]:
        ended = trouble["message"].startswith(ENDED_WITH)
        mark = "[bold red]error:[/]" if ended else "[yellow]trouble:[/]"
        console.print(f"{mark} {escape(trouble['message'])}")


def _of_planned(document: Row) -> str:
    """How far it came, where that is not as far as it was to go."""
    trained = [row["epoch"] + 1 for row in document["epochs"] if row["split"] == "train"]
    # Those before `initial_epoch` are among the planned ones.
    before = document["epoch"] if document["begun_anew"] else 0
    done, planned = max(trained, default=before or 0), document["epochs_planned"] or 0
    return f" after {done:,} of {planned:,} epochs" if done < planned else ""


def _sentences(document: Row) -> Iterator[str]:
    """What is said of the run about and below its epochs."""
    yield document["verdict"]["text"]
    yield from (episode["explanation"] for episode in document["divergence"])
    yield from (finding["message"] for finding in document["findings"])


def print_ranks(console: Console, document: Row) -> None:
    """The processes of a distributed job, and its epochs over all of them."""
    ranks = document["ranks"]
    if not ranks:
        return
    console.print(f"{ranks_text(document)}; what is not said to be of all ranks is of rank 0")
    shown = table("rank", "run", "host", "process", "status", "epochs", "verified")
    for rank in ranks:
        shown.add_row(
            str(rank["rank"]),
            escape(rank["id"]),
            escape(rank["host"]),
            str(rank["pid"]),
            styled(rank["status"]),
            str(rank["epochs"]),
            f"{rank['verified']:.0%}",
        )
    console.print(shown)
    _print_joined(console, document["joined_epochs"])


def _print_joined(console: Console, epochs: Sequence[Row]) -> None:
    if not epochs:
        return
    console.print("\n[bold]all ranks[/], by their numbers of samples")
    values = {"recomputed_loss": "loss", "recomputed_accuracy": "accuracy"}
    outputs = {row["output"] for row in epochs}
    named = ["output"] if len(outputs) > 1 else []
    numbers = ("samples", *values.values())
    shown = table("epoch", "split", *named, *numbers, "status", numbers=numbers)
    for row in epochs:
        known = (row[value if row[value] is not None else own] for value, own in values.items())
        shown.add_row(
            str(row["epoch"] + 1),
            escape(row["split"]),
            *(["whole model" if row["output"] is None else escape(row["output"])] if named else []),
            f"{row['n']:,}",
            *map(number, known),
            styled(row["status"]),
        )
    console.print(shown)
