"""The values of several runs as text that spreadsheets read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lossmon.analysis import epoch_accuracy
from lossmon.records import Split
from lossmon.store import csv_text
from lossmon_dashboard.figures.alignment import aligned
from lossmon_dashboard.figures.lines import best_known

_AXES = ("epoch", "step", "time", "samples")
_TITLES = (
    *("id", "run", "split", "epoch", "step", "seconds", "samples"),
    *("loss", "accuracy", "meant_accuracy"),
)


def comparison_csv(documents: Sequence[Mapping[str, Any]], split: Split) -> str:
    """Loss and accuracy of each epoch, one row each, with all that it can be laid beside by.

    "meant_accuracy" is the accuracy itself where that is not misread.

    Args:
        documents: the runs.
        split: whose epochs.
    """
    return "".join(csv_text(_TITLES, _rows(documents, split)))


def _rows(documents: Sequence[Mapping[str, Any]], split: Split) -> Iterator[dict[str, Any]]:
    for run in documents:
        known = aligned(run, split)
        axes = [known.places[axis] for axis in _AXES]
        for row, *place in zip(known.rows, *axes, strict=True):
            values = (best_known(row, "loss"), best_known(row, "accuracy"), epoch_accuracy(row))
            told = (run["id"], run["name"], split, *place, *values)
            yield dict(zip(_TITLES, told, strict=True))
