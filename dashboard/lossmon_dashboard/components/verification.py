"""The verification table: what was printed, what it is, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag

from lossmon_dashboard.components.grid import (
    drawn_column,
    grid,
    json_safe,
    number_column,
    text_column,
)

_COLUMNS = (
    number_column("epoch", "Epoch", 84, valueFormatter=None, sort="desc"),
    text_column("split", "Data", 84),
    text_column("output", "Output", 110),
    drawn_column("status", "Status", 124, "Verification"),
    number_column("reported_loss", "Loss, printed", 128),
    number_column("loss", "Loss, own", 108),
    number_column("recomputed_loss", "Loss, recomputed", 150),
    number_column("penalty", "Penalty", 96),
    number_column("loss_gap", "Loss gap", 100),
    number_column("reported_accuracy", "Accuracy, printed", 152),
    number_column("accuracy", "Accuracy, own", 132),
    number_column("recomputed_accuracy", "Accuracy, recomputed", 172),
    number_column("accuracy_gap", "Accuracy gap", 122),
    number_column(
        "coverage", "Coverage", 104, valueFormatter={"function": "formatShare(params.value)"}
    ),
    text_column("reason", "Reason", 320),
)


def verification_grid(identity: str) -> dag.AgGrid:
    """The empty table, to be filled by a callback."""
    return grid(identity, _COLUMNS, style={"height": 380})


def verification_rows(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Epoch rows as the table takes them; epochs are counted from 1, as Keras prints them."""
    fields = [column["field"] for column in _COLUMNS]
    return [
        {field: json_safe(row.get(field)) for field in fields} | {"epoch": row["epoch"] + 1}
        for row in epochs
    ]
