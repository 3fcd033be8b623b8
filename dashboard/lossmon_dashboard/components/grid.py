"""Grids: columns of the list of runs and of the verification table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag

from lossmon.records import SEVERITIES

Row = Mapping[str, Any]
Column = dict[str, Any]

_OPTIONS: dict[str, Any] = {
    "animateRows": False,
    "suppressDragLeaveHidesColumns": True,
    "enableCellTextSelection": True,
    "tooltipShowDelay": 300,
}
# A list of a thousand runs is sent whole: no more of each than its row shows.
_OF_RUN = (
    *("id", "name", "status", "verified", "sparkline", "val_loss", "val_accuracy", "rules"),
    *("val_intended_accuracy", "accuracy_metric", "loss", "accuracy", "epochs", "started"),
    *("duration", "project", "tags"),
)


def grid(identity: str, columns: Sequence[Column], **props: Any) -> dag.AgGrid:
    """A sortable, filterable grid in the colours of the page.

    Args:
        identity: the id of the component.
        columns: column definitions.
        props: further properties of the grid; `dashGridOptions` are added to the usual ones.
    """
    options = _OPTIONS | props.pop("dashGridOptions", {})
    return dag.AgGrid(
        id=identity,
        columnDefs=list(columns),
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "minWidth": 84},
        dashGridOptions=options,
        className="lossmon-grid",
        **props,
    )


def text_column(field: str, title: str, width: int, **more: Any) -> Column:
    """A column of words."""
    return {"field": field, "headerName": title, "width": width, "tooltipField": field, **more}


def number_column(
    field: str, title: str, width: int = 104, formatter: str = "formatNumber", **more: Any
) -> Column:
    """A column of numbers, written by a formatter of `assets/grid.js`."""
    return {
        "field": field,
        "headerName": title,
        "width": width,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        "valueFormatter": {"function": f"{formatter}(params.value)"},
        **more,
    }


def drawn_column(field: str, title: str, width: int, renderer: str, **more: Any) -> Column:
    """A column whose cells are drawn by a renderer of `assets/grid.js`."""
    return {
        "field": field,
        "headerName": title,
        "width": width,
        "cellRenderer": renderer,
        "cellDataType": False,
        **more,
    }


def run_grid_row(run: Row) -> dict[str, Any]:
    """A run as the grid of runs takes it: what is shown, findings counted, floats safe for JSON."""
    findings: Sequence[Row] = run["findings"]
    by_severity = {
        severity: [finding for finding in findings if finding["severity"] == severity]
        for severity in SEVERITIES
    }
    return {
        **{key: json_safe(run[key]) for key in _OF_RUN if key in run},
        "severities": {severity: len(found) for severity, found in by_severity.items()},
        "finding_words": {
            severity: ", ".join(f"{one['code']} {one['rule']}" for one in found)
            for severity, found in by_severity.items()
        },
        "flags": 1000 * len(by_severity["error"])
        + 10 * len(by_severity["warning"])
        + len(by_severity["info"]),
    }


def json_safe(value: Any) -> Any:
    """A value with its non-finite floats spelt out, which JSON would otherwise lose."""
    if isinstance(value, Mapping):
        return {key: json_safe(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_safe(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+inf" if value > 0 else "-inf"
    return value
