"""Metrics of probabilities and of logits, as they should be where they are given the other."""

from __future__ import annotations

from lossmon.records import MetricSpec
from lossmon.rules.facts import OutputFacts
from lossmon.rules.metric_code import metric_with
from lossmon.rules.prediction_facts import PredictionFacts

SWEEPING = (
    "precision_at_recall",
    "recall_at_precision",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
)
_CUTTING = (
    "precision",
    "recall",
    "true_positives",
    "true_negatives",
    "false_positives",
    "false_negatives",
)
_ONE_THRESHOLD = ("binary_io_u", "f1_score", "fbeta_score")
_TOLD = (
    "auc",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
# These cannot be told that they are given logits.
_INSTEAD = dict.fromkeys(SWEEPING, "keras.metrics.AUC(from_logits=True)") | {
    "kl_divergence": "keras.metrics.CategoricalCrossentropy(from_logits=True)"
}


def cuts_between(metric: MetricSpec) -> bool:
    """Whether it is a binary accuracy whose threshold is a probability."""
    return metric.name == "binary_accuracy" and _between(metric.config.get("threshold"))


def on_logits(output: OutputFacts, metric: MetricSpec) -> str | None:
    """Code of a metric of probabilities, binary accuracies apart, as it should be on logits.

    Args:
        output: the output that it judges.
        metric: the metric as it is.

    Returns:
        None where it takes logits as it is.
    """
    if metric.name in _TOLD:
        told = metric.config.get("from_logits")
        return None if told else metric_with(output, metric, from_logits=True)
    if metric.name in _INSTEAD:
        return _INSTEAD[metric.name]
    if metric.name in _ONE_THRESHOLD:
        between = _between(metric.config.get("threshold"))
        return metric_with(output, metric, threshold=0.0) if between else None
    if metric.name not in _CUTTING or metric.config.get("top_k") is not None:
        return None
    thresholds = metric.config.get("thresholds")
    given = thresholds if isinstance(thresholds, (list, tuple)) else [thresholds]
    if all(value is not None and not 0 < value < 1 for value in given):
        return None
    return metric_with(output, metric, thresholds=0.0)


def metrics_on_logits(output: OutputFacts) -> dict[str, str]:
    """By key, code of the metrics that have to change where an output becomes logits."""
    found: dict[str, str] = {}
    for metric in output.metrics:
        cutting = cuts_between(metric)
        code = metric_with(output, metric, threshold=0.0) if cutting else on_logits(output, metric)
        if code is not None:
            found[metric.key] = code
    return found


def thresholds_of(metric: MetricSpec) -> tuple[float, ...]:
    """The thresholds that a metric was given and cuts scores at; none where it ranks them."""
    if metric.name == "binary_accuracy" or metric.name in _ONE_THRESHOLD:
        given = [metric.config.get("threshold")]
    elif metric.name in _CUTTING and metric.config.get("top_k") is None:
        several = metric.config.get("thresholds")
        given = list(several) if isinstance(several, (list, tuple)) else [several]
    else:
        given = []
    return tuple(float(cut) for cut in given if isinstance(cut, (int, float)))


def separates_nothing(metric: MetricSpec, seen: PredictionFacts) -> bool:
    """Whether all probabilities lie on one side of each threshold of a metric."""
    cuts = thresholds_of(metric)
    # Some activations do give 0, and a threshold of 0 then cuts there.
    return bool(cuts) and not any(0 < cut < 1 or cut == 0 == seen.minimum for cut in cuts)


def on_probabilities(output: OutputFacts, metric: MetricSpec) -> str:
    """Code of a metric that takes logits as it should be on probabilities.

    Args:
        output: the output that it judges.
        metric: the metric as it is, with `from_logits=True` or thresholds outside of (0, 1).
    """
    if metric.config.get("from_logits"):
        return metric_with(output, metric, from_logits=False)
    several = metric.name in _CUTTING
    return metric_with(output, metric, **{"thresholds" if several else "threshold": 0.5})


def _between(threshold: object) -> bool:
    return isinstance(threshold, (int, float)) and 0 < threshold < 1
