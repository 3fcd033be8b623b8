"""Loss against accuracy of runs and of their epochs: which are beaten on both counts?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon.analysis import (
    Measured,
    epoch_accuracy,
    is_misread,
    meant_accuracy,
    misjudging,
    pareto_front,
)
from lossmon_dashboard.figures.lines import best_known
from lossmon_dashboard.figures.overlay import CROSSED_OUT, drawn_misreading, told_name
from lossmon_dashboard.figures.panes import empty_pane, single_pane, steady_range
from lossmon_dashboard.figures.saved import saved_as
from lossmon_dashboard.theme import Scheme, ink, run_styles
from lossmon_dashboard.wording import number

NOTHING_TO_SHOW = "Needs two runs that have both a validation loss and a validation accuracy."

_MOST_NAMED = 12
"""Of more runs, the legend would take the room of the chart; the pointer names them."""


class _Place(NamedTuple):
    position: int
    name: str
    loss: float
    accuracy: float
    best: bool
    struck: bool = False
    """Whether the accuracy does not mean what it says, or promises nothing."""


class _ParetoInfo(NamedTuple):
    places: tuple[_Place, ...]
    epochs: tuple[tuple[Measured, ...], ...]
    """Of each place the epochs of its run."""
    front: tuple[tuple[float, float], ...]
    """Loss and accuracy of what no run and no epoch beats, by loss."""
    accuracy_title: str = "validation accuracy"


def plot_pareto(
    runs: Sequence[Mapping[str, Any]], scheme: Scheme = "light", *, comparable: bool = True
) -> go.Figure:
    """Validation loss (left is better) against validation accuracy (up is better).

    The accuracy is the one that was meant; one that is misread is crossed out where that is not
    known. A run whose validation promises nothing is crossed out, and beats no other.

    Args:
        runs: documents with `id`, `name`, `val_loss`, `val_accuracy` and, where it is misread,
            `val_intended_accuracy`, `findings`, and `epochs`, which may be none.
        scheme: the colour scheme to draw for.
        comparable: whether runs mean the same by loss and accuracy; else none is marked as beaten
            by no other.
    """
    styles = run_styles([run["id"] for run in runs], scheme)
    info = _get_pareto_info(runs)
    if not comparable:
        places = tuple(place._replace(best=False) for place in info.places)
        info = info._replace(places=places, front=())
    return _get_pareto_plot(info, styles, scheme)


def _get_pareto_info(runs: Sequence[Mapping[str, Any]]) -> _ParetoInfo:
    ends = [
        (position, _name(run), run["val_loss"], accuracy)
        for position, run in enumerate(runs)
        for accuracy in [meant_accuracy(run, "val_")]
        if _finite(run.get("val_loss")) and accuracy is not None and math.isfinite(accuracy)
    ]
    last = [_point(name, loss, accuracy) for _, name, loss, accuracy in ends]
    sound = [misjudging(runs[position]["findings"]) is None for position, *_ in ends]
    best = pareto_front([*compress(last, sound)])
    epochs = tuple(_epochs(runs[position]) for position, *_ in ends)
    misread = any(is_misread(run["epochs"]) for run in runs)
    of_sound = (point for of in compress(epochs, sound) for point in of)
    front = pareto_front([*compress(last, sound), *of_sound])
    return _ParetoInfo(
        tuple(
            _Place(
                *end,
                best=any(point is one for one in best),
                struck=drawn_misreading(runs[end[0]]) is not None or not promises,
            )
            for end, point, promises in zip(ends, last, sound, strict=True)
        ),
        epochs,
        tuple(sorted({(point.loss, point.accuracy or 0.0) for point in front})),
        f"validation accuracy{', as meant' if misread else ''}",
    )


def _name(run: Mapping[str, Any]) -> str:
    found = misjudging(run["findings"])
    return told_name(run) + ("" if found is None else f" ({found.codes})")


def _point(name: str, loss: float, accuracy: float, epoch: int | None = None) -> Measured:
    return Measured(name, loss, None, accuracy, 1.0, epoch=epoch)


def _epochs(run: Mapping[str, Any]) -> tuple[Measured, ...]:
    rows = [r for r in run["epochs"] if r["split"] == "val" and r["output"] is None]
    values = [(best_known(row, "loss"), epoch_accuracy(row), row["epoch"]) for row in rows]
    return tuple(
        _point(run["name"], loss, accuracy, epoch)
        for loss, accuracy, epoch in values
        if loss is not None and accuracy is not None and _finite(loss) and _finite(accuracy)
    )


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _symbol(place: _Place) -> str:
    if place.struck:
        return CROSSED_OUT
    return "circle" if place.best else "circle-open"


def _get_pareto_plot(
    info: _ParetoInfo, styles: Sequence[tuple[str, str]], scheme: Scheme
) -> go.Figure:
    if len(info.places) < 2:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    figure = single_pane("validation loss", info.accuracy_title, scheme)
    for place, epochs in zip(info.places, info.epochs, strict=True):
        figure.add_scatter(
            x=[point.loss for point in epochs],
            y=[point.accuracy for point in epochs],
            mode="markers",
            name=place.name,
            showlegend=False,
            legendgroup=str(place.position),
            marker={"color": styles[place.position][0], "size": 5, "opacity": 0.45},
            text=[
                f"epoch {(p.epoch or 0) + 1}: loss {number(p.loss)}, accuracy {number(p.accuracy)}"
                for p in epochs
            ],
            hovertemplate="%{text}",
        )
    if info.front:
        figure.add_scatter(
            x=[loss for loss, _ in info.front],
            y=[accuracy for _, accuracy in info.front],
            mode="lines",
            name="not beaten on both",
            line={"color": ink(scheme).dimmed, "dash": "dot", "width": 1.5},
            hoverinfo="skip",
        )
    for place in info.places:
        colour, _ = styles[place.position]
        end = go.Scatter(
            x=[place.loss],
            y=[place.accuracy],
            mode="markers",
            name=place.name,
            legendgroup=str(place.position),
            showlegend=len(info.places) <= _MOST_NAMED,
            marker={
                "color": colour,
                "size": 13,
                "symbol": _symbol(place),
                "line": {"width": 2, "color": colour},
            },
            text=[f"loss {number(place.loss)}, accuracy {number(place.accuracy)}"],
            hovertemplate="%{text}",
        )
        figure.add_trace(saved_as(end, line=f"{end.name}, last epoch"))
    figure.update_yaxes(range=steady_range(place.accuracy for place in info.places))
    return figure
