"""Divergence explained: what loss and accuracy say of a model, how surely, and where they part.

Plain arrays in, dataclasses out: usable without a database, the dashboard or Keras.
"""

from __future__ import annotations

from lossmon.analysis.calibration import (
    Band,
    Brier,
    brier,
    brier_of_classes,
    calibration_error,
    calibration_gap,
    reliability_diagram,
    squared_calibration_error,
)
from lossmon.analysis.causes import Cause
from lossmon.analysis.comparison import (
    Difference,
    Need,
    compare,
    compare_groups,
    pareto_front,
    recommend,
)
from lossmon.analysis.decomposition import (
    Change,
    Turns,
    margins,
    right_and_wrong,
    turns,
    worst_share,
)
from lossmon.analysis.episodes import Episode, find_episodes
from lossmon.analysis.explanation import Divergence, diverging_epochs, explain_divergence
from lossmon.analysis.history import EPISODE_COLUMNS
from lossmon.analysis.intervals import (
    Interval,
    Turned,
    bootstrap_mean,
    holm,
    mcnemar,
    mean_difference,
    mean_error,
    paired_bootstrap,
    share_difference,
    wilson,
)
from lossmon.analysis.measured import Measured, Samples, last_measured
from lossmon.analysis.parts import Level, Parts, parts
from lossmon.analysis.samples import (
    SampleReader,
    TurnedSamples,
    samples_of,
    turned_samples,
)
from lossmon.analysis.temperature import Temperature, fit_temperature

__all__ = [
    "EPISODE_COLUMNS",
    "Band",
    "Brier",
    "Cause",
    "Change",
    "Difference",
    "Divergence",
    "Episode",
    "Interval",
    "Level",
    "Measured",
    "Need",
    "Parts",
    "SampleReader",
    "Samples",
    "Temperature",
    "Turned",
    "TurnedSamples",
    "Turns",
    "bootstrap_mean",
    "brier",
    "brier_of_classes",
    "calibration_error",
    "calibration_gap",
    "compare",
    "compare_groups",
    "diverging_epochs",
    "explain_divergence",
    "find_episodes",
    "fit_temperature",
    "holm",
    "last_measured",
    "margins",
    "mcnemar",
    "mean_difference",
    "mean_error",
    "paired_bootstrap",
    "pareto_front",
    "parts",
    "recommend",
    "reliability_diagram",
    "right_and_wrong",
    "samples_of",
    "share_difference",
    "squared_calibration_error",
    "turned_samples",
    "turns",
    "wilson",
    "worst_share",
]
