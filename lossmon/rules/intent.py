"""The accuracy that was meant, where the printed one is misread."""

from __future__ import annotations

from lossmon.records import MetricSpec
from lossmon.rules.catalogue.accuracy_threshold_on_logits import cut_at_zero
from lossmon.rules.facts import CLASS_KINDS, OutputFacts
from lossmon.rules.judgement import logits_by_contract

_BY_KIND = {
    "binary": "binary_accuracy",
    "multi_hot": "binary_accuracy",
    "one_hot": "categorical_accuracy",
    "soft": "categorical_accuracy",
    "class_ids": "sparse_categorical_accuracy",
}


def intended_metric(output: OutputFacts) -> MetricSpec | None:
    """The accuracy that fits the labels and scores of an output.

    Args:
        output: what is known of it.

    Returns:
        The metric to compute beside the printed one; None where the printed one is right, where
        there is none, or where no accuracy makes sense.
    """
    printed = output.record.accuracy_metric
    if printed is None or printed.custom or not output.compiled_used:
        return None
    if output.label_kind not in CLASS_KINDS or output.label_kind not in _BY_KIND:
        return None
    fitting = _fitting(output, printed)
    same = fitting.name == printed.name
    if same and fitting.config.get("threshold") == printed.config.get("threshold"):
        return None
    return fitting


def _fitting(output: OutputFacts, printed: MetricSpec) -> MetricSpec:
    name = _BY_KIND[output.label_kind or "binary"]
    if "top_k" in printed.name:
        return printed
    if name != "binary_accuracy":
        label = "".join(word.title() for word in name.split("_")) + "()"
        return MetricSpec(f"intended_{printed.key}", name, {}, printed.weighted, label=label)
    threshold = 0.0 if cut_at_zero(output) or logits_by_contract(output) else 0.5
    if printed.name == name and threshold == 0.5:
        return printed
    return MetricSpec(
        f"intended_{printed.key}",
        name,
        {"threshold": threshold},
        printed.weighted,
        label=f"BinaryAccuracy(threshold={threshold})",
    )
