"""Two or more runs side by side, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from lossmon.analysis import differing_settings
from lossmon.cli.words import Row, flags, number, styled, table

_VALUES = {
    "loss": "loss",
    "val_loss": "val loss",
    "accuracy": "accuracy",
    "intended_accuracy": "meant",
    "val_accuracy": "val accuracy",
    "val_intended_accuracy": "val meant",
}


def print_comparison(console: Console, documents: Sequence[Row]) -> None:
    """What the numbers are, the last of each, then the settings that differ."""
    rows = table("", *(f"{escape(d['name'])}\n[dim]{escape(d['id'])}[/]" for d in documents))
    for column in rows.columns:
        column.overflow = "fold"
    rows.add_row("status", *(styled(d["status"]) for d in documents))
    rows.add_row("epochs", *(str(len({row["epoch"] for row in d["epochs"]})) for d in documents))
    rows.add_row("loss is", *(_of_outputs(d, "loss") for d in documents))
    rows.add_row("accuracy is", *(_of_outputs(d, "accuracy_metric") for d in documents))
    for key, title in _VALUES.items():
        values = [d[key] for d in documents]
        if "intended" not in key or any(value is not None for value in values):
            rows.add_row(title, *(number(value) for value in values))
    rows.add_row("verified", *(f"{d['verified']:.0%}" for d in documents))
    rows.add_row("findings", *(flags(d) for d in documents))
    for key, values in differing_settings(documents):
        rows.add_row(escape(key), *(_setting(value) for value in values))
    console.print(rows)


def _of_outputs(document: Row, key: str) -> str:
    named = [
        (f"{output['name']}: " if output["name"] else "") + str(output[key] or "–")
        for output in document["outputs"]
    ]
    return escape("\n".join(named)) or "–"


def _setting(value: Any) -> str:
    if value is None:
        return "–"
    # Keras keeps settings in float32; six digits are what was written.
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))
