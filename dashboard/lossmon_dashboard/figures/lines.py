"""A line of a chart as data: what every figure that follows a run is made of."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon_dashboard.figures.saved import saved_as
from lossmon_dashboard.theme import Scheme, ink
from lossmon_dashboard.wording import number


class Line(NamedTuple):
    """Values over a common axis.

    Attributes:
        name: how the legend calls it.
        x: positions, ascending.
        y: values; None where there is none or where it is not finite.
        hover: what is said of each point, in plain words.
        lost: (position, kind) of the values that are NaN or infinite.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    hover: tuple[str, ...]
    lost: tuple[tuple[float, str], ...] = ()


def make_line(name: str, points: Iterable[tuple[float, float | None, str]]) -> Line:
    """Gather (position, value, where) triples into a line; values not known are left out.

    Args:
        name: how the legend calls it.
        points: `where` says in words where the point lies, e.g. "epoch 3".
    """
    known = [(x, y, where) for x, y, where in points if y is not None]
    return Line(
        name,
        tuple(x for x, _, _ in known),
        tuple(y if math.isfinite(y) else None for _, y, _ in known),
        tuple(f"{number(y)} · {where}" for _, y, where in known),
        tuple((x, number(y)) for x, y, _ in known if not math.isfinite(y)),
    )


def epoch_line(
    name: str, rows: Iterable[Mapping[str, Any]], column: str, *, axis: str | None = None
) -> Line:
    """One column of epoch rows over the epoch, from 1, or over another column."""
    told = [(row, row["epoch"] + 1) for row in rows]
    return make_line(
        name,
        [
            (epoch if axis is None else row[axis], row.get(column), f"epoch {epoch}")
            for row, epoch in told
        ],
    )


def best_known(row: Mapping[str, Any], measure: str) -> float | None:
    """The recomputed loss or accuracy of an epoch; Keras' own where there is none."""
    own = row[f"recomputed_{measure}"]
    return row[measure] if own is None else own


def legend_name(name: str, width: int = 40) -> str:
    """A name as plotly may draw it: cut to a width, its markup made inert."""
    cut = name if len(name) <= width else name[: width - 1] + "…"
    return html.escape(cut, quote=False)


def draw_line(line: Line, /, **style: Any) -> go.Scatter:
    """A line as a trace whose hover text is plain words."""
    return go.Scatter(
        x=line.x,
        y=line.y,
        name=legend_name(line.name),
        text=line.hover,
        hovertemplate="%{text}",
        **({"mode": "lines"} | style),
    )


def lost_points(lines: Iterable[Line]) -> list[tuple[float, str]]:
    """Where a value of some lines is NaN or infinite, and which of it, each once."""
    return sorted({point for line in lines for point in line.lost})


def top_of(lines: Iterable[Line]) -> float:
    """The greatest value of some lines; 1 where they have none."""
    return max((y for line in lines for y in line.y if y is not None), default=1.0)


def draw_lost(lines: Iterable[Line], scheme: Scheme) -> go.Scatter | None:
    """Crosses at the top of the values seen, where a value is NaN or infinite; None if none is."""
    drawn = tuple(lines)
    lost = lost_points(drawn)
    if not lost:
        return None
    top = top_of(drawn)
    trace = go.Scatter(
        x=[x for x, _ in lost],
        y=[top] * len(lost),
        name="not a finite number",
        mode="markers",
        marker={"symbol": "x", "size": 9, "color": ink(scheme).alarm},
        text=[kind for _, kind in lost],
        hovertemplate="%{text}",
    )
    return saved_as(trace, mark=True)
