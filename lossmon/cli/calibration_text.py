"""What the last validation epoch says of confidence, calibration and margins."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from lossmon.cli.words import Row, number, table


def print_calibration(console: Console, outputs: Sequence[Row], epochs: Sequence[Row]) -> None:
    """A table of each classifier's last validation epoch; nothing where nothing is known."""
    from lossmon.analysis import calibration_values, no_confidence

    for output in outputs:
        name = output["name"]
        rows = [row for row in epochs if row["split"] == "val" and row["output"] == name]
        known = list(calibration_values(rows[-1])) if rows else []
        if not known:
            continue
        of = "" if name is None else f", output {name}"
        shown = table(escape(f"validation{of}"), f"epoch {rows[-1]['epoch'] + 1}", numbers=())
        for title, value in known:
            shown.add_row(escape(title), number(value))
        console.print(shown)
        if why := no_confidence(rows[-1]):
            console.print(escape(why), highlight=False)
        console.print()
