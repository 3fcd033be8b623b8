"""The values of several runs as text that spreadsheets read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from lossmon.records import Split
from lossmon_dashboard.figures.alignment import aligned
from lossmon_dashboard.figures.lines import best_known

# What spreadsheets take for the beginning of a formula; of numbers, "-" and "+" are none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_TITLES = ("id", "run", "split", "epoch", "step", "seconds", "samples", "loss", "accuracy")


def comparison_csv(documents: Sequence[Mapping[str, Any]], split: Split) -> str:
    """Loss and accuracy of each epoch, one row each, with all that it can be laid beside by.

    Args:
        documents: the runs.
        split: whose epochs.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_TITLES)
    for run in documents:
        known = aligned(run, split)
        axes = [known.places[axis] for axis in ("epoch", "step", "time", "samples")]
        for row, *place in zip(known.rows, *axes, strict=True):
            values = (best_known(row, "loss"), best_known(row, "accuracy"))
            writer.writerow([run["id"], _inert(run["name"]), split, *place, *values])
    return text.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
