"""Keras' losses and metrics by what they are for; names as `lossmon.records` spells them."""

from __future__ import annotations

from lossmon.metric_words import TOP_K_ACCURACIES
from lossmon.records import LossSpec, MetricSpec

BINARY_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
CATEGORICAL_LOSSES = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
SPARSE_LOSSES = frozenset({"sparse_categorical_crossentropy"})
MULTICLASS_LOSSES = CATEGORICAL_LOSSES | SPARSE_LOSSES
CROSSENTROPIES = BINARY_LOSSES | MULTICLASS_LOSSES
# They take class ids, and one distribution over the classes; none of them from logits alone.
ID_LOSSES = SPARSE_LOSSES | {"categorical_generalized_cross_entropy"}
CLASS_LOSSES = MULTICLASS_LOSSES | ID_LOSSES
# They apply the softmax themselves, and cannot be told not to.
LOGIT_LOSSES = frozenset({"ctc"})
OVERLAP_LOSSES = frozenset({"dice", "tversky"})
# They take probabilities; cross-entropies unless they are told otherwise.
PROBABILITY_LOSSES = CROSSENTROPIES | CLASS_LOSSES | OVERLAP_LOSSES | {"kl_divergence"}
# They compare rows over the classes.
ROW_LOSSES = CATEGORICAL_LOSSES | {"kl_divergence", "categorical_hinge"}
HINGE_LOSSES = frozenset({"hinge", "squared_hinge"})
CLASSIFICATION_LOSSES = CROSSENTROPIES | CLASS_LOSSES | ROW_LOSSES | HINGE_LOSSES
REGRESSION_LOSSES = frozenset(
    {
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "huber",
        "log_cosh",
        "poisson",
    }
)
# They take logarithms of targets, or compare with such, and none below 0.
LOGARITHMIC_LOSSES = frozenset({"mean_squared_logarithmic_error", "poisson"})
# Their values depend on each pair of target and prediction alone, so shapes broadcast silently.
ELEMENTWISE_LOSSES = REGRESSION_LOSSES | BINARY_LOSSES | HINGE_LOSSES
# As metrics they take targets and predictions as they come, ranks that differ included.
UNALIGNED_METRICS = HINGE_LOSSES | {"categorical_hinge", "kl_divergence", "poisson"}

COUNTING_ACCURACIES = frozenset(
    {"binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"}
)
EXACT_MATCH = "accuracy"
ACCURACIES = COUNTING_ACCURACIES | TOP_K_ACCURACIES | {EXACT_MATCH}


def from_logits(loss: LossSpec) -> bool:
    """Whether the loss takes raw scores rather than probabilities."""
    return bool(loss.config.get("from_logits", False))


def class_axis(loss: LossSpec | None) -> int:
    """The axis along which the loss finds a sample's classes; the last one by default."""
    axis = None if loss is None else loss.config.get("axis")
    return axis if isinstance(axis, int) else -1


def counted_guesses(metric: MetricSpec) -> int:
    """Return how many of the largest outputs a top-k accuracy looks at; 0 of any other metric.

    Args:
        metric: as it was resolved.
    """
    known = metric.name in TOP_K_ACCURACIES and not metric.custom
    return int(metric.config.get("k") or 0) if known else 0
