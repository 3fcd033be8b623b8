"""The values that runs ended with, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_ag_grid as dag

from lossmon_dashboard.components.comparison import comparable
from lossmon_dashboard.components.grid import (
    drawn_column,
    grid,
    grid_height,
    json_safe,
    number_column,
)
from lossmon_dashboard.components.run_header import epochs_done
from lossmon_dashboard.theme import run_places

Document = Mapping[str, Any]


class _Column(NamedTuple):
    key: str
    title: str
    better: str
    """`low`, `high`, or empty where neither is better."""


_COLUMNS = (
    _Column("val_loss", "Val loss", "low"),
    _Column("val_accuracy", "Val accuracy", "high"),
    _Column("loss", "Train loss", ""),
    _Column("accuracy", "Train accuracy", ""),
)
_MOST_SHOWN = 12


def end_grid(identity: str) -> dag.AgGrid:
    """The empty table, to be filled by a callback."""
    columns = [
        drawn_column("name", "Run", 260, "RunName", flex=2, minWidth=190),
        *(
            drawn_column(key, title, 130, "Ended", flex=1, type="rightAligned")
            for key, title, _ in _COLUMNS
        ),
        drawn_column("verified", "Verified", 126, "Verified", flex=1),
        number_column("epochs", "Epochs", 96, flex=1),
        number_column("duration", "Duration", 122, "formatDuration", flex=1),
    ]
    options = {
        # Screen readers want every heading to be there, also those that are out of sight.
        "suppressColumnVirtualisation": True,
        "localeText": {"noRowsToShow": "Choose the runs to compare above."},
    }
    plain = [column | {"filter": False} for column in columns]
    return grid(identity, plain, style=grid_height(0, _MOST_SHOWN), dashGridOptions=options)


def end_rows(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """The rows of the table; `best` names the columns in which a run is the best of all."""
    bests = {column.key: _best(documents, column) for column in _COLUMNS}
    marks = run_places([document["id"] for document in documents])
    return [
        {
            "id": document["id"],
            "name": document["name"],
            "mark": mark,
            **{column.key: json_safe(document.get(column.key)) for column in _COLUMNS},
            "best": [key for key, best in bests.items() if _is(document.get(key), best)],
            "verified": document["verified"],
            "epochs": epochs_done(document["epochs"]),
            "duration": document["duration"],
        }
        for document, mark in zip(documents, marks, strict=True)
    ]


def ends_height(runs: int) -> dict[str, str]:
    """As high as its rows, but no higher than a dozen."""
    return grid_height(runs, _MOST_SHOWN)


def _best(documents: Sequence[Document], column: _Column) -> float | None:
    values = [
        document[column.key] for document in documents if document.get(column.key) is not None
    ]
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2 or not column.better or not comparable(documents, column.key):
        return None
    return min(finite) if column.better == "low" else max(finite)


def _is(value: float | None, best: float | None) -> bool:
    return value is not None and value == best
