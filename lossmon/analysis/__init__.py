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
from lossmon.analysis.classes import (
    ClassLevel,
    Confusion,
    class_levels,
    confusion,
    largest_losses,
    sample_row,
)
from lossmon.analysis.comparison import Difference, Measure, compare
from lossmon.analysis.decomposition import (
    Change,
    Margins,
    Turns,
    margins,
    right_and_wrong,
    summarise_margins,
    turns,
    worst_share,
)
from lossmon.analysis.doubts import (
    all_doubts,
    compared_at,
    doubts,
    may_be_the_data,
    misjudged_sentences,
    samples_words,
)
from lossmon.analysis.eligible import left_out_sentences
from lossmon.analysis.ends import accuracy_interval, loss_interval
from lossmon.analysis.episodes import Episode, find_episodes
from lossmon.analysis.explanation import Divergence, diverging_epochs, explain_divergence
from lossmon.analysis.front import pareto_front
from lossmon.analysis.grouping import grouping_keys, seed_groups
from lossmon.analysis.history import EPISODE_COLUMNS
from lossmon.analysis.intervals import (
    Interval,
    Turned,
    bootstrap_mean,
    holm,
    matched_difference,
    mcnemar,
    mean_difference,
    mean_error,
    paired_bootstrap,
    share_difference,
    sign_test,
    wilson,
)
from lossmon.analysis.judged_labels import validated_apart
from lossmon.analysis.meant import (
    accuracy_meaning,
    epoch_accuracy,
    is_misread,
    meant_accuracy,
)
from lossmon.analysis.measured import Measured, Samples, last_measured, measured_epochs, samples_of
from lossmon.analysis.misjudged import UNPROMISING, Misjudging, misjudging
from lossmon.analysis.misread import MISREAD, Misreading, is_about_accuracy, misreading
from lossmon.analysis.needs import (
    MEASURE_WORDS,
    Costs,
    Need,
    Recommendation,
    decision_costs,
    recommend,
    weigh_need,
)
from lossmon.analysis.parts import Level, Parts, parts
from lossmon.analysis.ranking import Area, roc_area
from lossmon.analysis.repeats import Repeats, compare_groups, repeats
from lossmon.analysis.samples import (
    SampleReader,
    TurnedSamples,
    same_samples,
    turned_samples,
)
from lossmon.analysis.settings import (
    differing_settings,
    distinct_names,
    flattened,
    run_data,
    run_settings,
    setting_parts,
    setting_text,
    unnumbered,
)
from lossmon.analysis.smoothing import exponential_average
from lossmon.analysis.splits import SplitDifference, explain_splits
from lossmon.analysis.telling import (
    CHANCES,
    difference_sentence,
    outweighed,
    verdict_words,
    weighing_sentences,
)
from lossmon.analysis.temperature import Temperature, fit_temperature, is_uniform
from lossmon.analysis.values import calibration_values, no_confidence
from lossmon.analysis.verdict import Point, Verdict, verdict
from lossmon.analysis.weighing import SampleSource, Weighing, difference_document, weigh
from lossmon.analysis.wins import Wins, count_wins

__all__ = [
    "CHANCES",
    "EPISODE_COLUMNS",
    "MEASURE_WORDS",
    "MISREAD",
    "UNPROMISING",
    "Area",
    "Band",
    "Brier",
    "Cause",
    "Change",
    "ClassLevel",
    "Confusion",
    "Costs",
    "Difference",
    "Divergence",
    "Episode",
    "Interval",
    "Level",
    "Margins",
    "Measure",
    "Measured",
    "Misjudging",
    "Misreading",
    "Need",
    "Parts",
    "Point",
    "Recommendation",
    "Repeats",
    "SampleReader",
    "SampleSource",
    "Samples",
    "SplitDifference",
    "Temperature",
    "Turned",
    "TurnedSamples",
    "Turns",
    "Verdict",
    "Weighing",
    "Wins",
    "accuracy_interval",
    "accuracy_meaning",
    "all_doubts",
    "bootstrap_mean",
    "brier",
    "brier_of_classes",
    "calibration_error",
    "calibration_gap",
    "calibration_values",
    "class_levels",
    "compare",
    "compare_groups",
    "compared_at",
    "confusion",
    "count_wins",
    "decision_costs",
    "difference_document",
    "difference_sentence",
    "differing_settings",
    "distinct_names",
    "diverging_epochs",
    "doubts",
    "epoch_accuracy",
    "explain_divergence",
    "explain_splits",
    "exponential_average",
    "find_episodes",
    "fit_temperature",
    "flattened",
    "grouping_keys",
    "holm",
    "is_about_accuracy",
    "is_misread",
    "is_uniform",
    "largest_losses",
    "last_measured",
    "left_out_sentences",
    "loss_interval",
    "margins",
    "matched_difference",
    "may_be_the_data",
    "mcnemar",
    "mean_difference",
    "mean_error",
    "meant_accuracy",
    "measured_epochs",
    "misjudged_sentences",
    "misjudging",
    "misreading",
    "no_confidence",
    "outweighed",
    "paired_bootstrap",
    "pareto_front",
    "parts",
    "recommend",
    "reliability_diagram",
    "repeats",
    "right_and_wrong",
    "roc_area",
    "run_data",
    "run_settings",
    "same_samples",
    "sample_row",
    "samples_of",
    "samples_words",
    "seed_groups",
    "setting_parts",
    "setting_text",
    "share_difference",
    "sign_test",
    "squared_calibration_error",
    "summarise_margins",
    "turned_samples",
    "turns",
    "unnumbered",
    "validated_apart",
    "verdict",
    "verdict_words",
    "weigh",
    "weigh_need",
    "weighing_sentences",
    "wilson",
    "worst_share",
]
