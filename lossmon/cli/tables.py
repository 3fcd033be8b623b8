"""Rows and documents as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table

from lossmon.rules import RulePage

Row = Mapping[str, Any]

# Columns from which on the names of findings find room beside the numbers.
_WIDE = 110

_STYLE = {
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "verified": "green",
    "mismatch": "bold red",
    "unverified": "yellow",
    "finished": "green",
    "running": "cyan",
    "failed": "bold red",
    "interrupted": "yellow",
}


def number(value: float | None) -> str:
    """Four significant digits; a dash for what is not known."""
    return "–" if value is None else f"{value:.4g}"


def styled(word: str) -> str:
    """A word of lossmon's vocabulary in its colour."""
    return f"[{_STYLE[word]}]{word}[/]" if word in _STYLE else escape(word)


def _table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def flags(findings: Sequence[Row], *, codes_only: bool = False) -> str:
    """Errors and warnings, one a line; "fine" where there are none."""
    shown = [f for f in findings if f["severity"] != "info"]
    if not shown:
        return "[green]fine[/]"
    names = (f["code"] if codes_only else f"{f['code']} {f['rule']}" for f in shown)
    return "\n".join(
        f"[{_STYLE[f['severity']]}]{name}[/]" for f, name in zip(shown, names, strict=True)
    )


def print_runs(console: Console, rows: Sequence[Row]) -> None:
    """The summary table of runs; a narrow terminal gets the codes of the findings only."""
    wide = console.width >= _WIDE
    columns: dict[str, Callable[[Row], str]] = {
        "run": lambda row: f"{escape(row['name'])}" + (f" [dim]{row['id']}[/]" if wide else ""),
        "status": lambda row: styled(row["status"]),
        "val loss": lambda row: number(_validated(row, "loss")),
        "accuracy": lambda row: number(_validated(row, "accuracy")),
        "meant": lambda row: number(_validated(row, "intended_accuracy")),
        "verified": lambda row: f"{row['verified']:.0%}",
        "findings": lambda row: flags(row["findings"], codes_only=not wide),
    }
    numeric = ("val loss", "accuracy", "meant", "verified")
    table = _table(*columns, numbers=numeric)
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    console.print(table)


def _validated(row: Row, value: str) -> float | None:
    """The value on validation data; that of training where there is none."""
    validated = row[f"val_{value}"]
    return row[value] if validated is None else validated


def print_findings(console: Console, rows: Sequence[Row]) -> None:
    """Findings with their evidence and fix."""
    if not rows:
        console.print("[green]no findings[/]")
    for row in rows:
        where = f" on output {row['output']!r}" if row["output"] else ""
        head = f"[{_STYLE[row['severity']]}]{row['severity']}[/] [bold]{row['code']} {row['rule']}"
        console.print(f"{head}[/]{escape(where)}")
        console.print(Padding(escape(row["message"]), (0, 2)))
        console.print(Padding("[bold]Fix:[/] " + escape(row["fix"]), (0, 2)))
        console.print()


def print_run(console: Console, document: Row) -> None:
    """One run with its epochs and findings."""
    console.print(
        f"[bold]{escape(document['name'])}[/] [dim]{document['id']}[/] "
        f"{styled(document['status'])}, started {document['started']}"
    )
    for output in document["outputs"]:
        name = "" if output["name"] is None else f"output {output['name']}: "
        console.print(
            escape(f"{name}loss {output['loss'] or '–'}, ")
            + escape(f"accuracy means {output['accuracy_metric'] or '–'}")
        )
    console.print()
    print_epochs(console, document["epochs"])
    console.print()
    print_findings(console, document["findings"])
    for trouble in document["troubles"]:
        console.print(f"[yellow]trouble:[/] {escape(trouble['message'])}")


_EPOCH_COLUMNS = {
    "reported loss": "reported_loss",
    "recomputed": "recomputed_loss",
    "penalty": "penalty",
    "reported acc.": "reported_accuracy",
    "recomputed acc.": "recomputed_accuracy",
    "meant acc.": "intended_accuracy",
}


def print_epochs(console: Console, epochs: Sequence[Row]) -> None:
    """Reported and recomputed values of each epoch; columns that hold nothing are left out."""
    known = {
        title: key
        for title, key in _EPOCH_COLUMNS.items()
        if any(row[key] is not None and (key != "penalty" or row[key]) for row in epochs)
    }
    several = any(row["output"] is not None for row in epochs)
    names = ("epoch", "split", *(["output"] if several else []))
    table = _table(*names, *known, "status", numbers=list(known))
    for row in epochs:
        output = [escape(row["output"] or "whole model")] if several else []
        values = (number(row[key]) for key in known.values())
        reason = f" ({row['reason']})" if row["reason"] else ""
        status = styled(row["status"]) + escape(reason)
        table.add_row(str(row["epoch"]), row["split"], *output, *values, status)
    console.print(table)


def print_comparison(console: Console, documents: Sequence[Row]) -> None:
    """Last values side by side, then the settings that differ."""
    table = _table("", *(document["name"] for document in documents))
    for key in ("loss", "val_loss", "accuracy", "val_accuracy"):
        table.add_row(key.replace("_", " "), *(number(document[key]) for document in documents))
    table.add_row("verified", *(f"{document['verified']:.0%}" for document in documents))
    table.add_row("findings", *(flags(document["findings"]) for document in documents))
    for key, values in differences(documents):
        table.add_row(escape(key), *(escape(str(value)) for value in values))
    console.print(table)


def differences(documents: Sequence[Row]) -> list[tuple[str, list[Any]]]:
    """Settings (config and optimiser) that are not the same in all runs."""
    flat = [_settings(document) for document in documents]
    keys = sorted({key for settings in flat for key in settings})
    rows = [(key, [settings.get(key, "–") for settings in flat]) for key in keys]
    return [(key, values) for key, values in rows if any(v != values[0] for v in values)]


def _settings(document: Row) -> dict[str, Any]:
    settings = {f"config.{key}": value for key, value in (document["config"] or {}).items()}
    model = dict(document["model"] or {})
    optimizer = model.pop("optimizer", None) or {}
    settings |= {f"optimizer.{key}": value for key, value in optimizer.items()}
    return settings | {f"model.{key}": value for key, value in model.items()}


def print_rules(console: Console, pages: Sequence[RulePage]) -> None:
    """The catalogue."""
    table = _table("code", "rule", "severity", "what it finds")
    for page in pages:
        table.add_row(page.code, page.name, styled(page.severity), escape(page.summary))
    console.print(table)


def print_rule(console: Console, page: RulePage) -> None:
    """One rule's documentation."""
    console.print(f"[bold]{page.code} {page.name}[/] ({styled(page.severity)})")
    console.print(escape(page.summary))
    for title, text in page.sections.items():
        console.print(f"\n[bold]{escape(title)}[/]")
        for index, part in enumerate(text.split("```")):
            if index % 2:
                code = part.removeprefix("python").strip("\n")
                console.print(Padding(Syntax(code, "python", background_color="default"), (0, 2)))
            elif part.strip():
                console.print(escape(part.strip("\n")))
