"""The verification table: what was printed, what it is, and whether the two agree."""

from __future__ import annotations

from collections import Counter
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

Row = Mapping[str, Any]

_MEASURES = (
    ("Loss", ("reported_loss", "loss", "recomputed_loss", "loss_gap")),
    ("Accuracy", ("reported_accuracy", "accuracy", "recomputed_accuracy", "accuracy_gap")),
)
_VALUES = ("Printed", "Own", "Recomputed", "Gap")
# Of a gap beside its sign and exponent: -9.29e-10.
_WIDTHS = {"Recomputed": 122, "Gap": 116}
_KEYS = ("split", "output", "status", "reason", "penalty", "coverage")


def verification_grid(
    identity: str, *, several_outputs: bool = False, accuracy: bool = True
) -> dag.AgGrid:
    """The empty table, to be filled by a callback.

    Args:
        identity: the id of the component.
        several_outputs: whether to say which output a row is about.
        accuracy: whether there is an accuracy to show.
    """
    columns = [
        number_column("epoch", "Epoch", 108, sort="desc"),
        text_column("split", "Data", 84),
        text_column("output", "Output", 120, hide=not several_outputs),
        drawn_column("status", "Status", 124, "Verification", tooltipField="reason"),
        *(_measure(title, fields) for title, fields in _MEASURES[: 1 + accuracy]),
        number_column("penalty", "Penalty", 100),
        number_column("coverage", "Coverage", 112, "formatShare"),
        text_column("reason", "Reason", 340),
    ]
    return grid(identity, columns, style={"height": 400})


def _measure(title: str, fields: Sequence[str]) -> dict[str, Any]:
    columns = [
        number_column(field, name, _WIDTHS.get(name, 100))
        for field, name in zip(fields, _VALUES, strict=True)
    ]
    return {"headerName": title, "children": columns}


def verification_rows(epochs: Sequence[Row]) -> list[dict[str, Any]]:
    """Epoch rows as the table takes them; epochs are counted from 1, as Keras prints them."""
    fields = [*_KEYS, *(field for _, measured in _MEASURES for field in measured)]
    return [
        {field: json_safe(row.get(field)) for field in fields} | {"epoch": row["epoch"] + 1}
        for row in epochs
    ]


def verification_summary(epochs: Sequence[Row]) -> str:
    """How many epoch values are verified, and what kept the others from it."""
    if not epochs:
        return "The first rows appear when an epoch has ended."
    agreeing = sum(row["status"] == "verified" for row in epochs)
    if agreeing == len(epochs):
        return f"All {len(epochs)} epoch values were computed twice and agree."
    reasons = Counter(f"{row['status']}: {row['reason']}" for row in epochs if row["reason"])
    why = "; ".join(f"{reason} ({amount})" for reason, amount in reasons.most_common(3))
    return f"{agreeing} of {len(epochs)} epoch values are verified. {why}"
