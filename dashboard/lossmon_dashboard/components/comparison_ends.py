"""The values that runs ended with, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_ag_grid as dag

from lossmon.analysis import meant_accuracy, misjudging
from lossmon_dashboard.components.comparison import comparable
from lossmon_dashboard.components.grid import (
    Column,
    drawn_column,
    grid,
    grid_height,
    json_safe,
    number_column,
)
from lossmon_dashboard.components.misread import misjudged_by, misread_by
from lossmon_dashboard.components.run_header import epochs_done
from lossmon_dashboard.theme import run_places

Document = Mapping[str, Any]


class _Column(NamedTuple):
    key: str
    title: str
    better: str
    """`low`, `high`, or empty where neither is better."""
    width: int
    """In pixels, at least: that of its heading with the arrow of the sorted column."""


_COLUMNS = (
    _Column("val_loss", "Val loss", "low", 108),
    _Column("val_accuracy", "Val accuracy", "high", 143),
    _Column("loss", "Train loss", "", 121),
    _Column("accuracy", "Train accuracy", "", 156),
)
_MEANT = _Column("val_intended_accuracy", "Val meant", "", 123)
_MOST_SHOWN = 12


def end_grid(identity: str) -> dag.AgGrid:
    """The empty table, to be filled by a callback."""
    options = {
        # Screen readers want every heading to be there, also those that are out of sight.
        "suppressColumnVirtualisation": True,
        "localeText": {"noRowsToShow": "Choose the runs to compare above."},
    }
    style = grid_height(0, _MOST_SHOWN)
    return grid(identity, end_columns([]), style=style, dashGridOptions=options)


def end_columns(documents: Sequence[Document]) -> list[Column]:
    """The columns of the table; what was meant by accuracy only where one was misread.

    Args:
        documents: the runs.
    """
    meant = any(document.get(_MEANT.key) is not None for document in documents)
    values = [*_COLUMNS[:2], *([_MEANT] if meant else []), *_COLUMNS[2:]]
    columns = [
        drawn_column("name", "Run", 260, "RunName", flex=2, minWidth=212),
        *(
            drawn_column(key, title, width, "Ended", flex=1, minWidth=width, type="rightAligned")
            for key, title, _, width in values
        ),
        drawn_column("verified", "Verified", 120, "Verified", flex=1, minWidth=120),
        number_column("epochs", "Epochs", 106, flex=1, minWidth=106),
        number_column("duration", "Duration", 122, "formatDuration", flex=1, minWidth=113),
    ]
    return [column | {"filter": False} for column in columns]


def end_rows(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """The rows of the table; `best` names the columns in which a run is the best of all.

    Accuracies are judged by what was meant, in whose column the best is marked where it is not what
    was printed. `misread` says why a printed accuracy does not mean what it says, `misjudged` why
    the validation of a run promises nothing: it is best in nothing.
    """
    bests = {column.key: _best(documents, column) for column in _COLUMNS}
    marks = run_places([document["id"] for document in documents])
    return [
        {
            "id": document["id"],
            "name": document["name"],
            "mark": mark,
            **{key: json_safe(document.get(key)) for key in (*bests, _MEANT.key)},
            "best": [
                _judged_in(document, key)
                for key, best in bests.items()
                if _is(_judged(document, key), best)
            ],
            "misread": misread_by(document["findings"]),
            "misjudged": misjudged_by(document["findings"]),
            "verified": document["verified"],
            "epochs": epochs_done(document["epochs"]),
            "duration": document["duration"],
        }
        for document, mark in zip(documents, marks, strict=True)
    ]


def ends_height(runs: int) -> dict[str, str]:
    """As high as its rows, but no higher than a dozen."""
    return grid_height(runs, _MOST_SHOWN)


def _judged(document: Document, key: str) -> float | None:
    """What a run is judged by; None where its validation promises nothing."""
    if misjudging(document["findings"]):
        return None
    return meant_accuracy(document, "val_") if key == "val_accuracy" else document.get(key)


def _judged_in(document: Document, key: str) -> str:
    misread = key == "val_accuracy" and document.get(_MEANT.key) is not None
    return _MEANT.key if misread else key


def _best(documents: Sequence[Document], column: _Column) -> float | None:
    values = [_judged(document, column.key) for document in documents]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(finite) < 2 or not column.better or not comparable(documents, column.key):
        return None
    return min(finite) if column.better == "low" else max(finite)


def _is(value: float | None, best: float | None) -> bool:
    return value is not None and value == best
