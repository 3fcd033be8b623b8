"""Grids, and the kinds of columns that they are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag

Column = dict[str, Any]

_ROW, _HEADER = 42, 68
"""Heights in pixels, the header with the bar to scroll by."""
_OPTIONS: dict[str, Any] = {
    "animateRows": False,
    "suppressDragLeaveHidesColumns": True,
    "enableCellTextSelection": True,
    "tooltipShowDelay": 300,
}


# An edge is shaded beyond which there is more, see `assets/edges.js`.
_MOVES = (
    "gridSizeChanged",
    "displayedColumnsChanged",
    "displayedColumnsWidthChanged",
    "bodyScroll",
)
_EDGES: dict[str | float | int, Sequence[Any]] = {event: ["shadeEdges(params)"] for event in _MOVES}


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
        eventListeners=_EDGES,
        className="lossmon-grid",
        **props,
    )


def grid_height(rows: int, most: int) -> dict[str, str]:
    """The style that makes a grid as high as its rows.

    Args:
        rows: how many it has.
        most: how many are seen at once; the others are scrolled to.
    """
    return {"height": f"{_HEADER + _ROW * max(1, min(rows, most))}px"}


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


def json_safe(value: Any) -> Any:
    """A value with its non-finite floats spelt out, which JSON would otherwise lose."""
    if isinstance(value, Mapping):
        return {key: json_safe(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_safe(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+inf" if value > 0 else "-inf"
    return value
