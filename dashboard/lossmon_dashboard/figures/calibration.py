"""Confidence against accuracy over the epochs: the calibration gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.lines import Line, draw_line, epoch_line
from lossmon_dashboard.figures.panes import EPOCH, empty_pane, single_pane
from lossmon_dashboard.theme import Scheme, ink, split_colour

NOTHING_TO_SHOW = "Only classifiers whose outputs are probabilities have a confidence to check."


class _CalibrationInfo(NamedTuple):
    train: Line
    val: Line


def plot_calibration(epochs: Sequence[Mapping[str, Any]], scheme: Scheme = "light") -> go.Figure:
    """Mean confidence minus share right; above zero the model is surer than it is right.

    Args:
        epochs: rows of one output, as `Store.epoch_rows` gives them.
        scheme: "light" or "dark".
    """
    return _get_calibration_plot(_get_calibration_info(epochs), scheme)


def _get_calibration_info(epochs: Sequence[Mapping[str, Any]]) -> _CalibrationInfo:
    train, val = (
        epoch_line(split, [row for row in epochs if row["split"] == split], "calibration_gap")
        for split in get_args(Split)
    )
    return _CalibrationInfo(train, val)


def _get_calibration_plot(info: _CalibrationInfo, scheme: Scheme) -> go.Figure:
    if not info.train.x and not info.val.x:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    figure = single_pane(EPOCH, "confidence minus accuracy", scheme, hovermode="x unified")
    figure.add_hline(y=0, line={"color": ink(scheme).dimmed, "width": 1, "dash": "dot"})
    for split, line in zip(get_args(Split), info, strict=True):
        if line.x:
            figure.add_trace(
                draw_line(
                    line,
                    mode="lines+markers",
                    line={"color": split_colour(split, scheme), "width": 2},
                    marker={"symbol": "circle" if split == "train" else "diamond", "size": 6},
                )
            )
    figure.update_yaxes(tickformat="+~g")
    return figure
