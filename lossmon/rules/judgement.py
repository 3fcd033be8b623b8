"""Questions that several rules ask of one output; None where the facts do not tell."""

from __future__ import annotations

from typing import Literal

from lossmon.metric_words import ACCURACY_WORDS
from lossmon.records import MetricSpec
from lossmon.rules.facts import OutputFacts
from lossmon.rules.families import (
    ACCURACIES,
    BINARY_LOSSES,
    CROSSENTROPIES,
    HINGE_LOSSES,
    ID_LOSSES,
    PROBABILITY_LOSSES,
    ROW_LOSSES,
    SPARSE_LOSSES,
    counted_guesses,
    from_logits,
)
from lossmon.rules.metric_code import own_name
from lossmon.rules.prediction_facts import RAW_MARGIN

# Noisy and one-sided smoothed labels leave [0, 1] on purpose, by less than this.
OVERSHOOT = 0.1
ENOUGH_ROWS = 8
# More classes than this, or fewer samples of each, look like amounts.
_FEW_CLASSES = 100
_ENOUGH_OF_EACH = 2


def probabilities(output: OutputFacts) -> bool | None:
    """Whether every value of the output is a probability: proven, disproven or not known.

    Values outside [0, 1] disprove it. Values inside prove it only where they are distributions
    over classes, or where the output can take no other: a linear head may happen to stay inside.
    """
    if output.predictions is not None and output.predictions.outside_unit:
        return False
    if output.predictions is not None and output.predictions.distribution:
        return True
    if output.range is not None:
        return output.range.within(-RAW_MARGIN, 1 + RAW_MARGIN)
    return None


def activated(output: OutputFacts) -> bool:
    """Whether the output is a distribution, or each unit fills [0, 1] as a sigmoid does.

    Scores may lie within [0, 1] for a reason of their own (similarities of non-negative codes).
    """
    if output.units != 1 and output.predictions is not None and output.predictions.distribution:
        return True
    values = output.range
    filled = values is not None and values.low == 0.0 and values.high == 1.0
    return filled and probabilities(output) is True


def linear_head(output: OutputFacts) -> bool:
    """Whether nothing bounds the output: no activation, or one that proves to be none."""
    if output.record.activation is not None:
        return output.record.activation == "linear"
    return output.range is None or not output.range.bounded


def wants_probabilities(output: OutputFacts) -> bool:
    """Whether the loss takes the output for probabilities."""
    loss = output.loss
    return loss is not None and loss.name in PROBABILITY_LOSSES and not from_logits(loss)


def activation_for(output: OutputFacts) -> str:
    """The activation that gives what the loss takes: "sigmoid" or "softmax"."""
    loss = output.loss
    binary = loss is not None and loss.name in BINARY_LOSSES
    return "sigmoid" if binary or output.label_kind in ("binary", "multi_hot") else "softmax"


def logits_by_contract(output: OutputFacts) -> bool:
    """Whether the loss takes the output for logits and nothing proves that wrong."""
    loss = output.loss
    if loss is None or loss.name not in CROSSENTROPIES or not from_logits(loss):
        return False
    return probabilities(output) is not True


def accuracies(output: OutputFacts) -> list[MetricSpec]:
    """The output's metrics that count right answers."""
    return [metric for metric in output.metrics if metric.name in ACCURACIES]


def single_label(output: OutputFacts) -> bool:
    """Whether every label row names exactly one of three classes or more, and enough were seen.

    A few rows of a multi-label problem may happen to hold one label each, and the one-hot rows of
    an autoencoder are features.
    """
    rows = None if output.labels is None else output.labels.rows
    if rows is None or output.label_kind != "one_hot" or output.reconstruction:
        return False
    all_one_hot = rows.one_hot == rows.rows >= ENOUGH_ROWS and len(rows.hot) > 1
    return all_one_hot and rows.width == output.units and rows.width > 2


def shares_one_label(output: OutputFacts) -> bool:
    """Whether every label row shares a total of one out among three classes or more."""
    rows = None if output.labels is None else output.labels.rows
    if rows is None or output.label_kind != "soft" or output.reconstruction:
        return single_label(output)
    whole = rows.distribution == rows.rows >= ENOUGH_ROWS
    return whole and rows.width == output.units and rows.width > 2


def wrong_encoding(output: OutputFacts) -> Literal["rows", "ids"] | None:
    """What the labels are, where the loss over classes reads the other encoding."""
    loss, kind = output.loss, output.label_kind
    if loss is None or (output.units or 1) < 2:
        return None
    rows = None if output.labels is None else output.labels.rows
    if loss.name in ID_LOSSES and not output.sparse and rows is not None:
        return "rows" if rows.width == output.units else None
    return "ids" if loss.name in ROW_LOSSES and kind == "class_ids" else None


def ids_of_units(output: OutputFacts) -> bool:
    """Whether labels without a class axis are ids of the output's units, by their values."""
    labels, units = output.labels, output.units
    if output.label_kind != "class_ids" or labels is None or units is None:
        return False
    return labels.within(0, units - 1)


def like_class_ids(output: OutputFacts, *, complete: bool) -> bool:
    """Whether the numbers that a single unit learns may be ids of classes; counts may look so too.

    They are a few whole numbers, of which none from 0 to the greatest is left out.

    Args:
        output: a regression by its loss.
        complete: whether its labels are all there are; among fewer, less than half may be left out.
    """
    labels = output.labels
    if output.units != 1 or output.label_kind != "integers" or labels is None:
        return False
    found = labels.distinct or ()
    if not found or found[0] != 0 or len(found) > labels.elements / _ENOUGH_OF_EACH:
        return False
    classes = found[-1] + 1
    return classes <= _FEW_CLASSES and len(found) >= (classes if complete else classes / 2)


def binary_as_two_columns(output: OutputFacts) -> bool:
    """Whether binary labels come as two one-hot columns against a single unit."""
    loss, labels = output.loss, output.labels
    if loss is None or labels is None or labels.rows is None or output.units != 1:
        return False
    rows = labels.rows
    return loss.name in BINARY_LOSSES and rows.width == 2 and rows.one_hot == rows.rows


def scaled_ids(output: OutputFacts) -> bool:
    """Whether ids under a sparse loss were scaled: fractions, no more of them than units."""
    loss, labels = output.loss, output.labels
    if loss is None or loss.name not in SPARSE_LOSSES or labels is None or not output.sparse:
        return False
    few = labels.distinct is not None and len(labels.distinct) <= (output.units or 0)
    return output.label_kind == "continuous" and few


def cut_at_zero(output: OutputFacts) -> bool:
    """Whether the decision boundary of the output's scores is 0."""
    loss, seen = output.loss, output.predictions
    if loss is None:
        return False
    if loss.name in HINGE_LOSSES:
        # Of a few samples none may happen to be negative.
        known = output.range is not None and output.range.low < 0
        return known or (seen is not None and seen.minimum is not None and seen.minimum < 0)
    return loss.name in BINARY_LOSSES and logits_by_contract(output)


def real_scores(output: OutputFacts) -> bool:
    """Whether predictions are seen to be real numbers rather than class ids themselves."""
    seen = output.predictions
    if seen is None or "float" not in seen.dtype:
        return False
    return not seen.integer_valued or seen.all_ones


def is_misnamed(output: OutputFacts, metric: MetricSpec) -> bool:
    """Whether a metric of Keras is called an accuracy, and counts something else.

    Args:
        output: the output that it is measured on.
        metric: one of its metrics.
    """
    if metric.custom or own_name(output, metric).lower() not in ACCURACY_WORDS:
        return False
    # Of one prediction a row, or of all classes together, they are the share that is right.
    if metric.config.get("top_k") == 1 or metric.config.get("average") == "micro":
        return False
    return metric.name not in ACCURACIES or counted_guesses(metric) > 1
