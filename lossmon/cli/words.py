"""Numbers and lossmon's vocabulary as they are written in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lossmon.analysis import MISREAD, UNPROMISING, misjudging, misreading

Row = Mapping[str, Any]

# Columns from which on ids and the names of findings find room beside the numbers.
WIDE = 110

STYLES = {
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


# Controls of the terminal, and those that turn the direction of writing; lone surrogates.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(value: Any) -> Any:
    """What comes from a database, its control characters spelt out, so that no terminal obeys them.

    Args:
        value: a text, or lists and dictionaries that hold texts; line ends and tabs stay.
    """
    if isinstance(value, str):
        return _CONTROLS.sub(lambda found: escape_sequence(found[0]), value)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {visible(key): visible(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [visible(item) for item in cast("Sequence[Any]", value)]
    return value


def escape_sequence(sign: str) -> str:
    r"""How JSON spells out a character: `\u001b`."""
    return f"\\u{ord(sign):04x}"


def megabytes(size: int) -> str:
    """A number of bytes in millions."""
    return f"{size / 1e6:,.1f} MB"


def number(value: float | None) -> str:
    """Four significant digits; a dash for what is not known."""
    return "–" if value is None else f"{value:.4g}"


def value_cell(run: Row, key: str) -> str:
    """A loss or an accuracy of a run, with a mark where it does not mean what it says.

    Also where it is one of validation data that are not what they are taken for.
    """
    value, findings = run[key], run["findings"]
    misread = _is_printed_accuracy(key) and misreading(findings)
    marked = misread or (_is_of_validation(key) and misjudging(findings))
    return f"{number(value)}*" if marked and value is not None else number(value)


def print_marks(console: Console, runs: Sequence[Row], keys: Iterable[str]) -> None:
    """What the marks of `value_cell` stand for; nothing where there are none.

    Args:
        console: to print to.
        runs: of which values were printed.
        keys: which of them.
    """
    known = [*keys]
    for what, is_marked, marking in (
        (f"accuracy that {MISREAD}", _is_printed_accuracy, misreading),
        (f"validation that {UNPROMISING}", _is_of_validation, misjudging),
    ):
        marked = [key for key in known if is_marked(key)]
        told = (run for run in runs if any(run[key] is not None for key in marked))
        found = filter(None, (marking(run["findings"]) for run in told))
        if whys := dict.fromkeys(one.why for one in found):
            words = f"* {what}: {'; '.join(whys)}"
            console.print(escape(words), style="yellow", highlight=False)


def _is_of_validation(key: str) -> bool:
    return key.startswith("val_")


def _is_printed_accuracy(key: str) -> bool:
    return key.endswith("accuracy") and "intended" not in key


def styled(word: str) -> str:
    """A word of lossmon's vocabulary in its colour."""
    return f"[{STYLES[word]}]{word}[/]" if word in STYLES else escape(word)


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """An empty table without lines, its numbers to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left")
    return made


def ranks_text(run: Row) -> str:
    """How many ranks of a distributed job were recorded, and whether some are missing."""
    known, wanted = len(run["ranks"]), run["world_size"]
    return f"{known} ranks" if known == wanted else f"{known} of {wanted} ranks"


def flags(run: Row, *, codes_only: bool = False) -> str:
    """Errors and warnings of a run, one a line.

    "fine" only where all rules were asked and all values are verified too.
    """
    shown = [f for f in run["findings"] if f["severity"] != "info"]
    if not shown and run["rules"]:
        return "none; rules changed"
    if not shown:
        return "[green]fine[/]" if run["verified"] == 1.0 else "none"
    names = (f["code"] if codes_only else f"{f['code']} {f['rule']}" for f in shown)
    return "\n".join(
        f"[{STYLES.get(f['severity'], 'bold')}]{escape(name)}[/]"
        for f, name in zip(shown, names, strict=True)
    )
