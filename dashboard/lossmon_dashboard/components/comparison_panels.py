"""The panels of a comparison, to be filled by callbacks."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import CHANCES
from lossmon_dashboard.components.comparison_ends import end_grid
from lossmon_dashboard.components.panel import chart, panel, scrolled
from lossmon_dashboard.figures.panes import PAIR_HEIGHT
from lossmon_dashboard.wording import capitalised

_METHOD = (
    "Probabilities are judged by the loss, decisions by the accuracy or by what mistakes cost, "
    "ranking by the area under the ROC curve. "
    f"{capitalised(CHANCES)} Intervals are of one comparison each. Runs that differ in their seed "
    "alone are repeats."
)


def comparison_panels(questions: dmc.Group, drawing: dmc.Group, *, every: bool) -> list[Any]:
    """Curves, what is more than noise, ends, trade-offs and settings.

    Args:
        questions: the controls of what is more than noise.
        drawing: the controls of the curves.
        every: whether settings are shown that are the same in all runs.
    """
    return [
        panel(
            "Loss and accuracy",
            "A run has its colour and line style here and in the list; of two with the same, the "
            "second takes another. Click a name to hide it. Of a misread accuracy the one that was "
            "meant is drawn; where that is not known, it is pale with crossed-out points, and its "
            "name says which rule tells why. New epochs of runs that train are added about every "
            "two seconds; what else is told here follows every five, and the less often the more "
            "runs and epochs there are: every two minutes at least.",
            drawing,
            chart("compare-overlay", "Loss and accuracy of the runs", PAIR_HEIGHT),
        ),
        panel(
            "Which one to take",
            "What is more than noise between them, for each purpose.",
            html.Div(id="compare-weighed"),
            html.Div(questions, id="compare-questions"),
            dmc.Text(_METHOD, size="sm", c="dimmed", maw=760),
            id="compare-which",
        ),
        panel(
            "Where they ended",
            "Values of the last epoch; the best of each column among comparable runs is bold, of "
            "accuracies by what was meant.",
            end_grid("compare-ends"),
        ),
        panel(
            "Loss against accuracy",
            "Left is a smaller loss, up a higher accuracy (the one that was meant). Large dots are "
            "last epochs, small ones those before; the dotted line joins what nothing beats on "
            "both.",
            chart("compare-pareto", "Validation loss against validation accuracy"),
        ),
        panel(
            "What was different",
            "The settings in which these runs differ.",
            dmc.Switch(
                id="compare-all",
                label="Also what is the same in all",
                checked=every,
                size="sm",
                mb="sm",
            ),
            scrolled("Settings of each run", id="compare-differences"),
        ),
    ]
