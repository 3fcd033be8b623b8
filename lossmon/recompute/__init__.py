"""Independent definitions of Keras' losses and metrics: NumPy, float64, no keras."""

from __future__ import annotations

from lossmon.recompute.accumulator import Accumulator
from lossmon.recompute.accumulators import accumulator, has_accumulator
from lossmon.recompute.accuracies import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from lossmon.recompute.alignment import ctc
from lossmon.recompute.calibration import (
    Reliability,
    brier_score,
    expected_calibration_error,
    reliability,
)
from lossmon.recompute.confidence import (
    Judgement,
    are_probabilities,
    judge,
    predicted_probabilities,
)
from lossmon.recompute.correlation import concordance_correlation, pearson_correlation
from lossmon.recompute.crossentropy import (
    Backend,
    binary_crossentropy,
    categorical_crossentropy,
)
from lossmon.recompute.definitions import UserDefinition, has_loss, has_metric
from lossmon.recompute.divergence import cosine_similarity, kl_divergence, poisson
from lossmon.recompute.evaluation import (
    LossEvaluation,
    MetricValue,
    StackedLosses,
    StackedMetrics,
    UnknownDefinition,
    agrees,
)
from lossmon.recompute.explanation import Explanation, Verdicts, explain_batches
from lossmon.recompute.focal import binary_focal_crossentropy, categorical_focal_crossentropy
from lossmon.recompute.generalised import categorical_generalized_cross_entropy
from lossmon.recompute.margin import categorical_hinge, hinge, squared_hinge
from lossmon.recompute.overlap import dice, tversky
from lossmon.recompute.pairs import circle
from lossmon.recompute.registry import (
    evaluate_loss,
    evaluate_metric,
    loss_elements,
)
from lossmon.recompute.regression import (
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from lossmon.recompute.rounding import Elements
from lossmon.recompute.sparse import sparse_categorical_crossentropy
from lossmon.recompute.stacked import evaluate_losses, evaluate_metrics
from lossmon.recompute.topk import (
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)

__all__ = [
    "Accumulator",
    "Backend",
    "Elements",
    "Explanation",
    "Judgement",
    "LossEvaluation",
    "MetricValue",
    "Reliability",
    "StackedLosses",
    "StackedMetrics",
    "UnknownDefinition",
    "UserDefinition",
    "Verdicts",
    "accumulator",
    "accuracy",
    "agrees",
    "are_probabilities",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "brier_score",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "concordance_correlation",
    "cosine_similarity",
    "ctc",
    "dice",
    "evaluate_loss",
    "evaluate_losses",
    "evaluate_metric",
    "evaluate_metrics",
    "expected_calibration_error",
    "explain_batches",
    "has_accumulator",
    "has_loss",
    "has_metric",
    "hinge",
    "huber",
    "judge",
    "kl_divergence",
    "log_cosh",
    "loss_elements",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "predicted_probabilities",
    "reliability",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
    "tversky",
]
