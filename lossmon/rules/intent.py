"""The accuracy that was meant, where the printed one is misread."""

from __future__ import annotations

from lossmon.metric_words import TOP_K_ACCURACIES
from lossmon.records import MetricSpec
from lossmon.rules.facts import LabelKind, OutputFacts
from lossmon.rules.families import EXACT_MATCH
from lossmon.rules.judgement import (
    activated,
    cut_at_zero,
    is_misnamed,
    logits_by_contract,
    real_scores,
)
from lossmon.rules.logit_metrics import cuts_between, separates_nothing
from lossmon.rules.wording import class_name

_BY_KIND: dict[LabelKind | None, str] = {
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
    printed, kind = output.record.accuracy_metric, output.label_kind
    if printed is None or printed.custom or not output.compiled_used or kind not in _BY_KIND:
        return None
    if _meant_so(output, printed):
        return None
    wanted = _BY_KIND[kind]
    if printed.name == wanted != "binary_accuracy":
        return None
    if wanted != "binary_accuracy":
        return _spec(printed, wanted, {})
    zero = cut_at_zero(output) or logits_by_contract(output)
    misread = (zero and cuts_between(printed)) or _cuts_outside(output, printed)
    if printed.name == wanted and not misread:
        return None
    return _spec(printed, wanted, {"threshold": 0.0 if zero else 0.5})


def _meant_so(output: OutputFacts, printed: MetricSpec) -> bool:
    """Whether it is no accuracy of single guesses, and is not taken for one."""
    if printed.name in TOP_K_ACCURACIES:
        return not is_misnamed(output, printed)
    return printed.name == EXACT_MATCH and not _scored(output)


def _cuts_outside(output: OutputFacts, printed: MetricSpec) -> bool:
    """Whether a threshold made for logits leaves all probabilities on one side."""
    seen = output.predictions
    return seen is not None and activated(output) and separates_nothing(printed, seen)


def _scored(output: OutputFacts) -> bool:
    return output.predictions is None or real_scores(output)


def _spec(printed: MetricSpec, name: str, config: dict[str, float]) -> MetricSpec:
    told = ", ".join(f"{key}={value}" for key, value in config.items())
    return MetricSpec(
        key=f"intended_{printed.key}",
        name=name,
        config=config,
        weighted=printed.weighted,
        label=f"{class_name(name)}({told})",
    )
