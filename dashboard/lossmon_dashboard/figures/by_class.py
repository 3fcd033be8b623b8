"""Loss and share right of each class, the costliest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lossmon.analysis import ClassLevel
from lossmon_dashboard.figures.panes import empty_pane
from lossmon_dashboard.theme import Scheme, ink, split_colour, template
from lossmon_dashboard.wording import count, number, share

NOTHING_TO_SHOW = "Needs validation samples that are of one class each."
_MOST = 20
_BAR = 26
_MARGIN = 110
# So that on a phone the last number of the one axis and the first of the other are told apart.
_BETWEEN = 0.12


class _ByClassInfo(NamedTuple):
    names: tuple[str, ...]
    loss: tuple[float, ...]
    right: tuple[float | None, ...]
    hover: tuple[str, ...]
    left_out: int


def plot_by_class(levels: Sequence[ClassLevel], scheme: Scheme = "light") -> go.Figure:
    """Mean loss and share right of each class, those of the largest loss on top.

    Args:
        levels: the classes of one epoch, as `lossmon.analysis.class_levels` gives them.
        scheme: the colour scheme to draw for.
    """
    if not levels:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    return _get_by_class_plot(_get_by_class_info(levels), scheme)


def _get_by_class_info(levels: Sequence[ClassLevel]) -> _ByClassInfo:
    shown = sorted(levels, key=lambda level: -level.loss)[:_MOST]
    return _ByClassInfo(
        tuple(str(level.label) for level in shown),
        tuple(level.loss for level in shown),
        tuple(level.right for level in shown),
        tuple(_words(level) for level in shown),
        len(levels) - len(shown),
    )


def _words(level: ClassLevel) -> str:
    right = "" if level.right is None else f", {share(level.right)} right"
    return (
        f"class {level.label}: loss {number(level.loss)}{right}<br>{count(level.samples, 'sample')}"
    )


def _get_by_class_plot(info: _ByClassInfo, scheme: Scheme) -> go.Figure:
    judged = any(part is not None for part in info.right)
    figure = make_subplots(rows=1, cols=1 + judged, shared_yaxes=True, horizontal_spacing=_BETWEEN)
    panes = [("mean loss", info.loss, split_colour("val", scheme))]
    panes += [("share right", info.right, ink(scheme).palette[2])] if judged else []
    for column, (title, values, colour) in enumerate(panes, start=1):
        figure.add_bar(
            y=info.names,
            x=values,
            orientation="h",
            name=title,
            marker={"color": colour, "opacity": 0.75},
            hovertext=info.hover,
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text=title, row=1, col=column)
    if judged:
        figure.update_xaxes(range=[0, 1.02], tickformat=".0%", dtick=0.5, row=1, col=2)
    figure.update_yaxes(type="category", autorange="reversed")
    title = f"class ({info.left_out} of less loss not shown)" if info.left_out else "class"
    figure.update_yaxes(title_text=title, row=1, col=1)
    height = max(260, _MARGIN + _BAR * len(info.names))
    return figure.update_layout(template=template(scheme), height=height, bargap=0.25)
