"""The confusion matrix: which classes are mistaken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from lossmon.analysis import Confusion
from lossmon_dashboard.figures.panes import empty_pane, single_pane
from lossmon_dashboard.figures.saved import saved_as
from lossmon_dashboard.theme import Scheme, ink
from lossmon_dashboard.wording import count, share

NOTHING_TO_SHOW = "Needs validation samples that are of one class each."
_SIDE = 26
_MARGIN = 150


class _MistakenInfo(NamedTuple):
    names: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]
    text: tuple[tuple[str, ...], ...]
    hover: tuple[tuple[str, ...], ...]


def plot_mistaken(confusion: Confusion | None, scheme: Scheme = "light") -> go.Figure:
    """Samples by label (down) and prediction (across); the shade is the share of the label's.

    Args:
        confusion: the counts; None where there are none.
        scheme: the colour scheme to draw for.
    """
    if confusion is None or not len(confusion.classes):
        return empty_pane(NOTHING_TO_SHOW, scheme)
    return _get_mistaken_plot(_get_mistaken_info(confusion), scheme)


def _get_mistaken_info(confusion: Confusion) -> _MistakenInfo:
    names = tuple(str(name) for name in confusion.classes.tolist())
    counts = confusion.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    table = counts.tolist()
    return _MistakenInfo(
        names,
        tuple(
            tuple(part if amount else None for part, amount in zip(*row, strict=True))
            for row in zip(shares.tolist(), table, strict=True)
        ),
        tuple(tuple(f"{amount:,}" if amount else "" for amount in row) for row in table),
        tuple(
            tuple(
                _words(label, predicted, table[i][j], float(shares[i, j]))
                for j, predicted in enumerate(names)
            )
            for i, label in enumerate(names)
        ),
    )


def _words(label: str, predicted: str, amount: int, part: float) -> str:
    verb = "predicted right" if label == predicted else f"predicted as {predicted}"
    return f"class {label} {verb}<br>{count(amount, 'sample')}, {share(part)} of the class"


def _get_mistaken_plot(info: _MistakenInfo, scheme: Scheme) -> go.Figure:
    colours = ink(scheme)
    figure = single_pane("predicted class", "true class", scheme)
    # Mistakes are what is looked for: the diagonal would outshine them.
    most = max(1.7 * _greatest_mistake(info.shares), 0.01)
    for diagonal, colour, top in ((False, colours.palette[1], most), (True, colours.palette[2], 2)):
        heat = go.Heatmap(
            x=info.names,
            y=info.names,
            z=_kept(info.shares, None, diagonal=diagonal),
            text=_kept(info.text, "", diagonal=diagonal),
            texttemplate="%{text}",
            textfont={"size": 11, "color": colours.text},
            hovertext=info.hover,
            hovertemplate="%{hovertext}<extra></extra>",
            colorscale=[[0, colours.surface], [1, colour]],
            zmin=0,
            zmax=top,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverongaps=False,
        )
        kind = "predicted right" if diagonal else "mistaken"
        figure.add_trace(saved_as(heat, line=kind, measure="share of the true class"))
    axis: dict[str, Any] = {"type": "category", "showgrid": False}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, autorange="reversed")
    figure.update_layout(height=max(320, _MARGIN + _SIDE * len(info.names)))
    # Names of classes may be long: turned they fit.
    figure.update_layout({"template.layout.xaxis.tickangle": None})
    return figure


def _kept(table: Sequence[Sequence[Any]], nothing: Any, *, diagonal: bool) -> list[list[Any]]:
    """The diagonal of a table, or all but the diagonal."""
    return [
        [value if (i == j) == diagonal else nothing for j, value in enumerate(row)]
        for i, row in enumerate(table)
    ]


def _greatest_mistake(shares: tuple[tuple[float | None, ...], ...]) -> float:
    wrong = [part for i, row in enumerate(shares) for j, part in enumerate(row) if i != j]
    return max((part for part in wrong if part is not None), default=0.0)
