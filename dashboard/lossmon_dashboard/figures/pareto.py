"""Loss against accuracy at the end of each run: which runs are beaten on both counts?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon_dashboard.figures.lines import legend_name
from lossmon_dashboard.figures.panes import empty_pane, single_pane, steady_range
from lossmon_dashboard.theme import Scheme, ink, run_style
from lossmon_dashboard.wording import number

NOTHING_TO_SHOW = "Needs two runs that have both a validation loss and a validation accuracy."


class _Place(NamedTuple):
    position: int
    name: str
    loss: float
    accuracy: float
    best: bool


class _ParetoInfo(NamedTuple):
    places: tuple[_Place, ...]


def plot_pareto(runs: Sequence[Mapping[str, Any]], scheme: Scheme = "light") -> go.Figure:
    """Validation loss (left is better) against validation accuracy (up is better).

    Args:
        runs: rows with `name`, `val_loss` and `val_accuracy`.
        scheme: the colour scheme to draw for.
    """
    return _get_pareto_plot(_get_pareto_info(runs), scheme)


def _get_pareto_info(runs: Sequence[Mapping[str, Any]]) -> _ParetoInfo:
    ends = [
        (position, run["name"], run["val_loss"], run["val_accuracy"])
        for position, run in enumerate(runs)
        if _finite(run.get("val_loss")) and _finite(run.get("val_accuracy"))
    ]
    return _ParetoInfo(
        tuple(
            _Place(position, name, loss, accuracy, best=not _beaten(loss, accuracy, ends))
            for position, name, loss, accuracy in ends
        )
    )


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _beaten(loss: float, accuracy: float, ends: Sequence[tuple[int, str, float, float]]) -> bool:
    return any(
        other_loss <= loss
        and other_accuracy >= accuracy
        and (other_loss, other_accuracy) != (loss, accuracy)
        for _, _, other_loss, other_accuracy in ends
    )


def _get_pareto_plot(info: _ParetoInfo, scheme: Scheme) -> go.Figure:
    if len(info.places) < 2:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    figure = single_pane("validation loss", "validation accuracy", scheme)
    front = sorted((place for place in info.places if place.best), key=lambda place: place.loss)
    figure.add_scatter(
        x=[place.loss for place in front],
        y=[place.accuracy for place in front],
        mode="lines",
        name="not beaten on both",
        line={"color": ink(scheme).dimmed, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    for place in info.places:
        colour, _ = run_style(place.position, scheme)
        figure.add_scatter(
            x=[place.loss],
            y=[place.accuracy],
            mode="markers",
            name=legend_name(place.name),
            marker={
                "color": colour,
                "size": 13,
                "symbol": "circle" if place.best else "circle-open",
                "line": {"width": 2, "color": colour},
            },
            text=[f"loss {number(place.loss)}, accuracy {number(place.accuracy)}"],
            hovertemplate="%{text}",
        )
    figure.update_yaxes(range=steady_range(place.accuracy for place in info.places))
    return figure
