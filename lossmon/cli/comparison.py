"""Two or more runs side by side, as text for people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from lossmon.analysis import differing_settings, setting_text
from lossmon.cli.words import Row, flags, print_marks, styled, table, value_cell

_VALUES = {
    "loss": "loss",
    "val_loss": "val loss",
    "accuracy": "accuracy",
    "intended_accuracy": "meant",
    "val_accuracy": "val accuracy",
    "val_intended_accuracy": "val meant",
}
_MEANT = {"loss is": "loss", "accuracy is": "accuracy_metric"}
_LONGEST_TITLE = max(map(len, _VALUES.values()))
_GAP = 2
# As much as an id takes. Where a single run has less of a line, the titles give way as well.
_LEAST_ROOM = 12
# What a long name consists of: words that end in what joins them, or begin with a capital.
_PART = re.compile(r".[^A-Z_/=(-]*[_/=(-]*\)?")


def print_comparison(console: Console, documents: Sequence[Row]) -> None:
    """What the numbers are, the last of each, then the settings that differ.

    Runs that would have too little of a line are told of in several tables, one below the other;
    what the numbers are is said once where that is the same of all.
    """
    same = [
        (title, told[0])
        for title, key in _MEANT.items()
        if len(set(told := [_of_outputs(d, key) for d in documents])) == 1 and "\n" not in told[0]
    ]
    if same:
        console.print(escape(", ".join(f"{title} {what}" for title, what in same)))
    settings = differing_settings(documents)
    titles = max([_LONGEST_TITLE, *(len(key) for key, _ in settings)])
    most = max(1, (console.width - titles) // (_LEAST_ROOM + _GAP))
    tables = math.ceil(len(documents) / most)
    for places in np.array_split(range(len(documents)), tables):
        own = [(key, [values[place] for place in places]) for key, values in settings]
        if places[0]:
            console.print()
        beside = [documents[place] for place in places]
        _print_beside(console, beside, own, titles, said=[title for title, _ in same])
    print_marks(console, documents, _VALUES)


def _print_beside(
    console: Console,
    documents: Sequence[Row],
    settings: Sequence[tuple[str, Sequence[Any]]],
    titles: int,
    *,
    said: Sequence[str],
) -> None:
    room = (console.width - titles) // len(documents) - _GAP

    def fitting(text: str) -> str:
        return escape(broken_at_parts(text, room))

    rows = table("", *(f"{fitting(d['name'])}\n[dim]{escape(d['id'])}[/]" for d in documents))
    for column in rows.columns:
        column.overflow = "fold"
    rows.columns[0].no_wrap = room >= _LEAST_ROOM
    rows.add_row("status", *(styled(d["status"]) for d in documents))
    rows.add_row("epochs", *(str(len({row["epoch"] for row in d["epochs"]})) for d in documents))
    for title, key in _MEANT.items():
        if title not in said:
            rows.add_row(title, *(fitting(_of_outputs(d, key)) for d in documents))
    for key, title in _VALUES.items():
        values = [d[key] for d in documents]
        if "intended" not in key or any(value is not None for value in values):
            rows.add_row(title, *(value_cell(d, key) for d in documents))
    rows.add_row("verified", *(f"{d['verified']:.0%}" for d in documents))
    named = all(len(finding["rule"]) <= room for d in documents for finding in d["findings"])
    rows.add_row("findings", *(flags(d, codes_only=not named) for d in documents))
    for key, values in settings:
        rows.add_row(escape(key), *(fitting(_setting(value)) for value in values))
    console.print(rows)


def _of_outputs(document: Row, key: str) -> str:
    named = [
        (f"{output['name']}: " if output["name"] else "") + str(output[key] or "–")
        for output in document["outputs"]
    ]
    return "\n".join(named) or "–"


def _setting(value: Any) -> str:
    return "–" if value is None else setting_text(value)


def broken_at_parts(text: str, width: int) -> str:
    """Text whose words that are wider than a column go on in the next line between their parts."""
    return re.sub(rf"\S{{{max(1, width) + 1},}}", lambda word: _packed(word[0], width), text)


def _packed(word: str, width: int) -> str:
    lines = [""]
    for part in _PART.findall(word):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
