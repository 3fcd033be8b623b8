"""Groups of runs: how many, how they ended, and how far their values lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dash_ag_grid as dag

from lossmon.store import SETTING, RunGroup, Spread
from lossmon_dashboard.components.grid import drawn_column, grid, number_column, text_column
from lossmon_dashboard.components.run_columns import CONFIG
from lossmon_dashboard.links import MOST_COMPARED
from lossmon_dashboard.wording import NOTHING, count, number

MOST_GROUPS = 1000
_SPREAD = {"function": "formatSpread(params.value)"}
_COLUMNS = (
    text_column("name", "Group", 260, cellClass="lossmon-pick"),
    drawn_column("compared", "Compare", 132, "CompareGroup", sortable=False, filter=False),
    number_column("runs", "Runs", 88),
    text_column("statuses", "Status", 200),
    number_column("faulty", "With errors", 118),
    *(
        drawn_column(field, title, 176, "Spread", comparator={"function": "bySpread"}, filter=False)
        for field, title in (
            ("val_loss", "Val loss"),
            ("best_val_loss", "Best val loss"),
            ("val_accuracy", "Val accuracy"),
            ("best_val_accuracy", "Best val accuracy"),
        )
    ),
)


def group_choices(settings: Iterable[str]) -> list[dict[str, Any]]:
    """What runs can be grouped by."""
    own = [
        {"value": "project", "label": "Project"},
        {"value": "tags", "label": "Tag"},
        {"value": SETTING, "label": "Config alone, any seed"},
    ]
    keys = [{"value": key, "label": key.removeprefix(CONFIG)} for key in settings]
    return [{"group": "Runs", "items": own}, {"group": "Config", "items": keys}]


def group_grid() -> dag.AgGrid:
    """The groups, to be filled by a callback."""
    return grid(
        "runs-groups",
        _COLUMNS,
        getRowId="params.data.name",
        dashGridOptions={"localeText": {"noRowsToShow": "No run says what it is grouped by."}},
    )


def group_rows(groups: Sequence[RunGroup]) -> list[dict[str, Any]]:
    """Groups as the grid takes them."""
    return [
        {
            "name": group.name,
            "runs": len(group.runs),
            "compared": group.runs[:MOST_COMPARED],
            "statuses": ", ".join(f"{n} {status}" for status, n in sorted(group.statuses.items())),
            "faulty": group.faulty,
            **{field: _cell(spread) for field, spread in group.spreads.items()},
        }
        for group in groups[:MOST_GROUPS]
    ]


def _cell(spread: Spread) -> dict[str, Any]:
    deviation = NOTHING if spread.deviation is None else number(spread.deviation, 2)
    runs = count(spread.runs, "run")
    return {
        "mean": spread.mean,
        "deviation": spread.deviation,
        "words": f"mean ± standard deviation of {runs}: {number(spread.mean)} ± {deviation}",
    }
