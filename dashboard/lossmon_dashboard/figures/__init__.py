"""Charts as pure functions: rows of the store in, a plotly figure out; no queries, no ids.

`figures.history_of(store, "latest")` and the others of `lossmon_dashboard.figures.of_store` draw
the same from a database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lossmon_dashboard.figures.by_class import plot_by_class
from lossmon_dashboard.figures.calibration import plot_calibration
from lossmon_dashboard.figures.gap import GAP_COLUMNS, plot_gap
from lossmon_dashboard.figures.history import plot_history
from lossmon_dashboard.figures.history_view import HISTORY_COLUMNS, HistoryView
from lossmon_dashboard.figures.mistaken import plot_mistaken
from lossmon_dashboard.figures.multiples import plot_multiples
from lossmon_dashboard.figures.overlay import plot_overlay
from lossmon_dashboard.figures.pareto import plot_pareto
from lossmon_dashboard.figures.printed import PRINTED_COLUMNS, plot_printed
from lossmon_dashboard.figures.recoverable import RECOVERABLE_COLUMNS, plot_recoverable
from lossmon_dashboard.figures.reliability import plot_reliability
from lossmon_dashboard.figures.right_and_wrong import plot_right_and_wrong

if TYPE_CHECKING:
    from lossmon_dashboard.figures.of_store import (
        by_class_of,
        calibration_of,
        gap_of,
        history_of,
        mistaken_of,
        overlay_of,
        pareto_of,
        printed_of,
        recoverable_of,
        reliability_of,
        right_and_wrong_of,
    )

__all__ = [
    "GAP_COLUMNS",
    "HISTORY_COLUMNS",
    "PRINTED_COLUMNS",
    "RECOVERABLE_COLUMNS",
    "HistoryView",
    "by_class_of",
    "calibration_of",
    "gap_of",
    "history_of",
    "mistaken_of",
    "overlay_of",
    "pareto_of",
    "plot_by_class",
    "plot_calibration",
    "plot_gap",
    "plot_history",
    "plot_mistaken",
    "plot_multiples",
    "plot_overlay",
    "plot_pareto",
    "plot_printed",
    "plot_recoverable",
    "plot_reliability",
    "plot_right_and_wrong",
    "printed_of",
    "recoverable_of",
    "reliability_of",
    "right_and_wrong_of",
]

_OF_STORE = frozenset(
    {
        "by_class_of",
        "calibration_of",
        "gap_of",
        "history_of",
        "mistaken_of",
        "overlay_of",
        "pareto_of",
        "printed_of",
        "recoverable_of",
        "reliability_of",
        "right_and_wrong_of",
    }
)


def __getattr__(name: str) -> Any:
    # They read through what draws by these charts, and so cannot be there before them.
    if name in _OF_STORE:
        return getattr(import_module("lossmon_dashboard.figures.of_store"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
