"""The reliability diagram: of the predictions made with 80 % confidence, are 80 % right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon_dashboard.figures.panes import empty_pane, single_pane
from lossmon_dashboard.theme import Scheme, ink, split_colour
from lossmon_dashboard.wording import count, share

NOTHING_TO_SHOW = "Needs an epoch with validation data and probabilities."


class _ReliabilityInfo(NamedTuple):
    centres: tuple[float, ...]
    widths: tuple[float, ...]
    accuracy: tuple[float, ...]
    confidence: tuple[float, ...]
    hover: tuple[str, ...]


def plot_reliability(
    bins: Sequence[Mapping[str, float]] | None, scheme: Scheme = "light"
) -> go.Figure:
    """Share predicted right in each band of confidence, against the diagonal of a perfect meter.

    Args:
        bins: {"low", "high", "count", "confidence", "accuracy"} of the non-empty bands.
        scheme: the colour scheme to draw for.
    """
    if not bins:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    return _get_reliability_plot(_get_reliability_info(bins), scheme)


def _get_reliability_info(bins: Sequence[Mapping[str, float]]) -> _ReliabilityInfo:
    return _ReliabilityInfo(
        centres=tuple((band["low"] + band["high"]) / 2 for band in bins),
        widths=tuple(band["high"] - band["low"] for band in bins),
        accuracy=tuple(band["accuracy"] for band in bins),
        confidence=tuple(band["confidence"] for band in bins),
        hover=tuple(_words(band) for band in bins),
    )


def _words(band: Mapping[str, Any]) -> str:
    return (
        f"{count(round(band['count']), 'prediction')}<br>"
        f"sure: {share(band['confidence'])}, right: {share(band['accuracy'])}"
    )


def _get_reliability_plot(info: _ReliabilityInfo, scheme: Scheme) -> go.Figure:
    colours, colour = ink(scheme), split_colour("val", scheme)
    figure = single_pane("confidence", "share right", scheme)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="as right as it is sure",
        line={"color": colours.dimmed, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    figure.add_bar(
        x=info.centres,
        y=info.accuracy,
        width=info.widths,
        name="right, by confidence",
        marker={"color": colour, "opacity": 0.55, "line": {"color": colour, "width": 1}},
        text=info.hover,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", dtick=0.25)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", dtick=0.25)
    return figure
