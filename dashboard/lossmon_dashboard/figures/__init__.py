"""Charts as pure functions: rows of the store in, a plotly figure out; no queries, no ids."""

from __future__ import annotations

from lossmon_dashboard.figures.by_class import plot_by_class
from lossmon_dashboard.figures.calibration import plot_calibration
from lossmon_dashboard.figures.gap import GAP_COLUMNS, plot_gap
from lossmon_dashboard.figures.history import HISTORY_COLUMNS, HistoryView, plot_history
from lossmon_dashboard.figures.mistaken import plot_mistaken
from lossmon_dashboard.figures.overlay import plot_overlay
from lossmon_dashboard.figures.pareto import plot_pareto
from lossmon_dashboard.figures.printed import PRINTED_COLUMNS, plot_printed
from lossmon_dashboard.figures.recoverable import RECOVERABLE_COLUMNS, plot_recoverable
from lossmon_dashboard.figures.reliability import plot_reliability
from lossmon_dashboard.figures.right_and_wrong import plot_right_and_wrong

__all__ = [
    "GAP_COLUMNS",
    "HISTORY_COLUMNS",
    "PRINTED_COLUMNS",
    "RECOVERABLE_COLUMNS",
    "HistoryView",
    "plot_by_class",
    "plot_calibration",
    "plot_gap",
    "plot_history",
    "plot_mistaken",
    "plot_overlay",
    "plot_pareto",
    "plot_printed",
    "plot_recoverable",
    "plot_reliability",
    "plot_right_and_wrong",
]
