"""What is told of a trace where its numbers are saved, beyond what its name and axes say."""

from __future__ import annotations

from typing import Any, TypeVar

import plotly.graph_objects as go

_Trace = TypeVar("_Trace", go.Scatter, go.Heatmap)


def saved_as(
    trace: _Trace, *, line: str | None = None, measure: str | None = None, mark: bool = False
) -> _Trace:
    """Tell `assets/save.js` how the numbers of a trace are saved.

    Args:
        trace: what is drawn.
        line: what its rows are called, where the legend says something else.
        measure: what its values are, where no axis says so.
        mark: whether it has no values: how high it stands is a matter of looks alone.
    """
    told = {"line": line, "measure": measure, "mark": mark or None}
    return _told(trace, {key: value for key, value in told.items() if value is not None})


def not_saved(trace: _Trace) -> _Trace:
    """Leave a trace out where numbers are saved: it repeats what others show."""
    return _told(trace, {"left_out": True})


def _told(trace: _Trace, told: dict[str, Any]) -> _Trace:
    known: Any = trace.meta or {}
    return trace.update(meta={**known, "saved": told})
