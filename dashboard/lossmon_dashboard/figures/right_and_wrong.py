"""Loss over the samples predicted right and over those predicted wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon.records import Split
from lossmon_dashboard.figures.lines import Line, draw_line, draw_lost, epoch_line
from lossmon_dashboard.figures.panes import EPOCH, empty_pane, single_pane
from lossmon_dashboard.theme import Scheme, ink

NOTHING_TO_SHOW = "No epoch of which lossmon has told right predictions from wrong ones."


class _RightAndWrongInfo(NamedTuple):
    split: Split
    wrong: Line
    right: Line


def plot_right_and_wrong(
    epochs: Sequence[Mapping[str, Any]], scheme: Scheme = "light"
) -> go.Figure:
    """Mean loss over wrong and over right samples, on val where there is one, else on train.

    Args:
        epochs: rows of one output, as `Store.epoch_rows` gives them.
        scheme: "light" or "dark".
    """
    return _get_right_and_wrong_plot(_get_right_and_wrong_info(epochs), scheme)


def _get_right_and_wrong_info(epochs: Sequence[Mapping[str, Any]]) -> _RightAndWrongInfo:
    split: Split = "val" if any(row["split"] == "val" for row in epochs) else "train"
    rows = [row for row in epochs if row["split"] == split]
    return _RightAndWrongInfo(
        split,
        epoch_line(f"{split}, predicted wrong", rows, "loss_wrong"),
        epoch_line(f"{split}, predicted right", rows, "loss_correct"),
    )


def _get_right_and_wrong_plot(info: _RightAndWrongInfo, scheme: Scheme) -> go.Figure:
    lines = [line for line in (info.wrong, info.right) if line.x]
    if not lines:
        return empty_pane(NOTHING_TO_SHOW, scheme)
    figure = single_pane(EPOCH, "mean loss of a sample", scheme, hovermode="x unified")
    palette = ink(scheme).palette
    looks = {
        info.wrong.name: (palette[1], "dash", "x"),
        info.right.name: (palette[2], "solid", "circle"),
    }
    for line in lines:
        colour, dash, symbol = looks[line.name]
        figure.add_trace(
            draw_line(
                line,
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
                marker={"symbol": symbol, "size": 6},
            )
        )
    lost = draw_lost(lines, scheme)
    if lost is not None:
        figure.add_trace(lost)
    figure.update_yaxes(rangemode="tozero")
    return figure
