"""The columns of the list of runs: which there are, which are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossmon_dashboard.components.grid import Column, drawn_column, number_column, text_column

CONFIG = "config."

_TIME = {"function": "formatTime(params.value)"}
_NUMBER = "agNumberColumnFilter"
# Up to what was meant by accuracy all fit into 1280 pixels, beside a bar to scroll by.
COLUMNS: tuple[Column, ...] = (
    drawn_column("name", "Name", 208, "RunName", minWidth=150, filter="agTextColumnFilter"),
    drawn_column(
        "flags", "Findings", 178, "Findings", filter=_NUMBER, sortingOrder=["desc", "asc", None]
    ),
    drawn_column("status", "Status", 156, "RunStatus", filter="agTextColumnFilter"),
    drawn_column("verified", "Verified", 116, "Verified", filter=_NUMBER),
    drawn_column("sparkline", "Loss curve", 99, "Sparkline", sortable=False, filter=False),
    drawn_column("val_loss", "Val loss", 135, "Measure", filter=_NUMBER),
    drawn_column("val_accuracy", "Val accuracy", 160, "Measure", filter=_NUMBER),
    number_column("val_intended_accuracy", "Val meant", 128),
    text_column("accuracy_metric", "Accuracy means", 240),
    drawn_column("best_val_loss", "Best val loss", 150, "Measure", filter=_NUMBER),
    drawn_column("best_val_accuracy", "Best val accuracy", 180, "Measure", filter=_NUMBER),
    text_column("started", "Started", 186, valueFormatter=_TIME, tooltipField=None),
    number_column("duration", "Duration", 122, "formatDuration"),
    text_column("project", "Project", 140),
    drawn_column("tags", "Tags", 180, "Tags", filter="agTextColumnFilter"),
    text_column("notes", "Note", 200),
    number_column("epochs", "Epochs", 108),
    number_column("loss", "Train loss", 122),
    number_column("accuracy", "Train accuracy", 158),
    number_column("best_loss", "Best train loss", 154),
    number_column("best_accuracy", "Best train accuracy", 190),
    text_column("id", "Id", 130),
)
_ASKED_FOR = ("epochs", "loss", "accuracy", "best_loss", "best_accuracy", "id")
SHOWN = tuple(column["field"] for column in COLUMNS if column["field"] not in _ASKED_FOR)
"""The columns that are shown unless others were chosen."""


def run_columns(shown: Sequence[str], order: Mapping[str, str] | None = None) -> list[Column]:
    """The definitions of the columns that are shown, settings behind all others.

    Args:
        shown: fields, `config.…` for a setting; the name is always there.
        order: "asc" or "desc" by field, where the list is sorted by it.
    """
    known = {column["field"] for column in COLUMNS}
    settings = [field for field in dict.fromkeys(shown) if field.startswith(CONFIG)]
    wanted = [c for c in COLUMNS if c["field"] == "name" or c["field"] in shown]
    columns = wanted + [_setting(field) for field in settings if field not in known]
    return [column | _sorted(column["field"], order or {}) for column in columns]


def _setting(field: str) -> Column:
    title = field.removeprefix(CONFIG)
    return drawn_column(
        field, title, 130, "Setting", filter="agTextColumnFilter", headerTooltip=f"config: {title}"
    )


def _sorted(field: str, order: Mapping[str, str]) -> dict[str, Any]:
    way = order.get(field)
    return {"sort": way, "sortIndex": list(order).index(field)} if way else {}


def chosen_columns(text: str) -> list[str]:
    """The columns that an address names, separated by commas; the usual ones without any."""
    return [part for part in text.split(",") if part] or list(SHOWN)
