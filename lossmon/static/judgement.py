"""What the rules say of a `compile` call as far as its text tells; codes and names are theirs."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue import (
    accuracy_threshold_on_logits,
    accuracy_with_regression,
    activation_applied_twice,
    categorical_loss_on_one_unit,
    exact_match_metric_on_probabilities,
    invalid_probability_output,
    logit_metric_on_probabilities,
    missing_output_activation,
    probability_metric_on_logits,
    regression_loss_for_classification,
    sigmoid_with_categorical_loss,
    softmax_over_one_unit,
)
from lossmon.rules.families import (
    ACCURACIES,
    BINARY_LOSSES,
    CROSSENTROPIES,
    MULTICLASS_LOSSES,
    REGRESSION_LOSSES,
)
from lossmon.static.fixes import (
    call_for_classes,
    call_for_numbers,
    call_with_crossentropy,
    call_with_loss,
    metric_with,
    on_logits,
)
from lossmon.static.values import Head, Metric
from lossmon.static.vocabulary import PROBABILITY_CLASSES
from lossmon.static.written import Compiled

# What the same text is, should the targets be of the other kind.
_EITHER = {"LM301": ("LM111",), "LM111": ("LM301",), "LM101": ("LM110",)}
# What fits a metric to logits.
_TAKING_LOGITS: dict[str, dict[str, Any]] = {"auc": {"from_logits": True}}
_CUT_AT_ZERO = {"thresholds": 0.0}
_SQUEEZING = ("softmax", "sigmoid")
_LEAVING = ("tanh", "relu", "elu", "selu", "softsign")


def judge(compiled: Compiled, codes: frozenset[str]) -> Iterator[Finding]:
    """Yield what is certain of a `compile` call.

    Args:
        compiled: what its text says.
        codes: the rules that are asked.
    """
    for rule in _RULES:
        for finding in rule(compiled):
            # Where one of two rules applies, and one of them is not wanted, nothing is certain.
            if {finding.code, *_EITHER.get(finding.code, ())} <= codes:
                yield finding


def _accuracy_of_regression(compiled: Compiled) -> Iterator[Finding]:
    """One of two rules applies, whatever the targets are: the text alone does not tell which."""
    loss = compiled.loss_name
    metrics = [m for m in compiled.metrics if m.name == "alias" or m.name in ACCURACIES]
    if loss not in REGRESSION_LOSSES or not metrics:
        return
    head = compiled.head
    classes = head is not None and head.activation in _SQUEEZING
    named = all(metric.name not in ("alias", "accuracy") for metric in metrics)
    rule = regression_loss_for_classification if classes or named else accuracy_with_regression
    fixes = (
        (call_for_numbers(compiled, metrics), "real numbers"),
        call_for_classes(compiled, metrics),
    )
    yield _finding(
        rule,
        f"{loss} is a regression loss, {metrics[0].key!r} counts right answers. If the targets are "
        "real numbers, the accuracy means nothing (LM301); if they are class labels, the loss is "
        "not a classifier's loss (LM111).",
        "\n".join(f"{fix}  # for {targets}" for fix, targets in fixes),
        compiled,
        severity="warning",
    )


def _softmax_over_one(compiled: Compiled) -> Iterator[Finding]:
    head = compiled.head
    if compiled.loss is not None and head is not None and _ends_in(head, 1, "softmax"):
        yield _finding(
            softmax_over_one_unit,
            "the output is a softmax over one unit: exactly 1.0 for every input and whatever the "
            "weights. The accuracy is the share of ones among the labels, even where the printed "
            "loss falls.",
            'keras.layers.Dense(1, activation="sigmoid")  # with loss="binary_crossentropy"',
            compiled,
        )


def _one_unit(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if loss in MULTICLASS_LOSSES and head is not None and head.units == 1:
        yield _finding(
            categorical_loss_on_one_unit,
            f"{loss} needs one unit per class, but the output has one unit: the loss is constant "
            "and nothing is learned.",
            call_with_crossentropy(compiled, "binary_crossentropy"),
            compiled,
        )


def _twice(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if loss not in CROSSENTROPIES or head is None or head.activation not in _SQUEEZING:
        return
    if head.stacked:
        yield _finding(
            activation_applied_twice,
            f"the output is a {head.activation} that stands on another sigmoid or softmax.",
            "remove one of the two activations",
            compiled,
        )
    elif _logits(compiled) and not _ends_in(head, 1, "softmax"):
        yield _finding(
            activation_applied_twice,
            f"the output is already probabilities ({head.activation}); {loss} with "
            "from_logits=True applies the activation again, unless Keras on TensorFlow finds the "
            "scores behind it.",
            call_with_loss(compiled, from_logits=False),
            compiled,
            severity="warning",
        )


def _raw(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if _takes_probabilities(compiled) and head is not None and head.activation == "linear":
        yield _finding(
            missing_output_activation,
            f"{loss} takes probabilities, but the output is raw scores: there is no sigmoid or "
            "softmax and no from_logits=True. (If the targets are real numbers, the loss is what "
            "is wrong: LM110.)",
            call_with_loss(compiled, from_logits=True),
            compiled,
        )


def _leaving(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if _takes_probabilities(compiled) and head is not None and head.activation in _LEAVING:
        activation = "sigmoid" if loss in BINARY_LOSSES else "softmax"
        yield _finding(
            invalid_probability_output,
            f"{loss} takes probabilities, but the values of the output ({head.activation}) leave "
            "[0, 1].",
            f'keras.layers.Dense({head.units or "units"}, activation="{activation}")',
            compiled,
        )


def _independent(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if loss not in MULTICLASS_LOSSES or head is None or head.units == 1 or head.stacked:
        return
    if head.activation == "sigmoid" and _logits(compiled) is False:
        yield _finding(
            sigmoid_with_categorical_loss,
            f"{loss} takes one distribution over all units, but each unit of the output is a "
            "probability by itself (sigmoid).",
            f'keras.layers.Dense({head.units or "classes"}, activation="softmax")',
            compiled,
        )


def _exact(compiled: Compiled) -> Iterator[Finding]:
    head = compiled.head
    if compiled.loss_name not in MULTICLASS_LOSSES or head is None or head.units == 1:
        return
    for metric in compiled.metrics:
        if metric.name == "accuracy":
            yield _finding(
                exact_match_metric_on_probabilities,
                f"{metric.key!r} (Accuracy) counts predictions that equal the label exactly, but "
                "predictions are real numbers.",
                compiled.written.changed(instead={metric.key: '"accuracy"'}),
                compiled,
            )
            return


def _threshold(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if loss not in BINARY_LOSSES or not _logits(compiled) or head is None:
        return
    cutting = [metric.key for metric in compiled.metrics if compiled.cuts_between(metric)]
    if head.activation == "linear" and cutting:
        yield _finding(
            accuracy_threshold_on_logits,
            f"{cutting[0]!r} cuts raw scores at a threshold between 0 and 1, where the boundary is "
            "0: on logits, 0.5 is a probability of 0.62.",
            compiled.written.changed(instead=on_logits(compiled)),
            compiled,
        )


def _sure(compiled: Compiled) -> Iterator[Finding]:
    loss, head = compiled.loss_name, compiled.head
    if loss not in BINARY_LOSSES or _logits(compiled) is not False or head is None:
        return
    cut = [m for m in compiled.metrics if m.name == "binary_accuracy" and _cuts_at_zero(m)]
    if head.activation == "sigmoid" and cut:
        yield _finding(
            logit_metric_on_probabilities,
            f"{cut[0].key!r} cuts at 0, but every value of the output (sigmoid) lies above.",
            compiled.written.changed(instead={m.key: metric_with(m, threshold=0.5) for m in cut}),
            compiled,
        )


def _cuts_at_zero(metric: Metric) -> bool:
    threshold = metric.options.get("threshold")
    return isinstance(threshold, (int, float)) and threshold <= 0


def _probability_metric(compiled: Compiled) -> Iterator[Finding]:
    head = compiled.head
    if compiled.loss_name not in BINARY_LOSSES or not _logits(compiled) or head is None:
        return
    # Any argument may be the one that fits the metric to logits.
    taken = [
        m for m in compiled.metrics if m.name in PROBABILITY_CLASSES.values() and not m.options
    ]
    if head.activation == "linear" and taken:
        better = {m.key: metric_with(m, **_TAKING_LOGITS.get(m.name, _CUT_AT_ZERO)) for m in taken}
        yield _finding(
            probability_metric_on_logits,
            f"{', '.join(repr(m.key) for m in taken)} must be given probabilities, but the output "
            "is raw scores.",
            compiled.written.changed(instead=better),
            compiled,
        )


def _logits(compiled: Compiled) -> bool | None:
    return None if compiled.loss is None else compiled.loss.from_logits


def _takes_probabilities(compiled: Compiled) -> bool:
    loss, head = compiled.loss_name, compiled.head
    one_unit = head is not None and head.units == 1
    another_fault = loss in MULTICLASS_LOSSES and one_unit
    return loss in CROSSENTROPIES and _logits(compiled) is False and not another_fault


def _ends_in(head: Head, units: int, activation: str) -> bool:
    return head.units == units and head.activation == activation


def _finding(
    rule: ModuleType,
    message: str,
    fix: str,
    compiled: Compiled,
    *,
    severity: Severity | None = None,
) -> Finding:
    head = compiled.head
    evidence = {
        "proof": "source",
        "loss": None if compiled.loss is None else compiled.loss.name,
        "from_logits": _logits(compiled),
        "metrics": [metric.key for metric in compiled.metrics],
        "units": None if head is None else head.units,
        "activation": None if head is None else head.activation,
    }
    grade = severity or rule.severity
    return Finding(rule.code, rule.name, grade, None, message, fix, evidence)


_RULES = (
    _softmax_over_one,
    _one_unit,
    _twice,
    _raw,
    _leaving,
    _independent,
    _exact,
    _threshold,
    _sure,
    _probability_metric,
    _accuracy_of_regression,
)
