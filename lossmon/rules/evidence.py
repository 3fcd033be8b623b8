"""The values that prove a finding as people read them: plain words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from lossmon.rules.wording import number

Evidence = Mapping[str, Any]


class Term(NamedTuple):
    """One value of a finding's evidence.

    Attributes:
        name: what it is, in plain words.
        value: the value in words or digits.
    """

    name: str
    value: str


# Two keys that are the ends of one span, told together under the name of both.
_SPANS: dict[tuple[str, str], str] = {
    ("since_epoch", "until_epoch"): "epochs",
    ("label_min", "label_max"): "labels",
    ("prediction_min", "prediction_max"): "predictions",
    ("weight_min", "weight_max"): "sample weights",
    ("minimum", "maximum"): "values",
    ("loss_min", "loss_max"): "loss",
    ("sum_min", "sum_max"): "sums of the rows",
}
NAMES: dict[str, str] = {
    "accuracy": "accuracy",
    "accuracy_gap": "accuracy, printed − recomputed",
    "accuracy_of_all_zeros": "accuracy of zeros alone",
    "accuracy_of_guessing": "accuracy of a random guess",
    "activation": "activation",
    "answer_columns": "columns that tell the target",
    "answer_names": "called",
    "arguments": "arguments of the loss",
    "cap": "cap of a loss",
    "capped": "losses at the cap",
    "clipped": "gradients are clipped",
    "column_stds": "standard deviations of the columns",
    "columns": "columns",
    "columns_apart": "columns that differ",
    "confidence": "mean confidence",
    "constant": "columns that never vary",
    "constant_accuracy": "accuracy of a constant",
    "only_class": "the only class",
    "trained_classes": "classes among the training labels",
    "constant_loss": "loss of a constant",
    "elements": "values looked at",
    "epochs": "epochs",
    "expected_calibration_error": "confidence is off on average by",
    "first_train_loss": "training loss of the first epoch",
    "first_val_loss": "validation loss of the first epoch",
    "from_logits": "told that it gets logits",
    "gap": "confidence − accuracy",
    "gradients": "gradient of each",
    "factors": "times as large",
    "guesses": "guesses counted",
    "how_shared": "what they share",
    "input": "input",
    "is_accuracy": "that is the accuracy",
    "kind": "what happened",
    "known": "of them, training samples",
    "known_share": "share that are training samples",
    "label_distinct": "distinct labels",
    "label_kind": "labels are",
    "label_max": "greatest label",
    "label_mean": "mean label",
    "label_min": "least label",
    "label_samples": "samples looked at",
    "label_shape": "shape of the labels",
    "label_shares": "share of each class",
    "layers": "layers",
    "learning_rate": "learning rate",
    "least_epoch": "epoch of the least validation loss",
    "least_loss": "least validation loss",
    "looked_up": "validation samples looked up",
    "loss": "loss",
    "loss_gap": "loss, printed − recomputed",
    "loss_max": "greatest loss",
    "loss_min": "least loss",
    "loss_standard_errors": "change of the loss, against its noise",
    "maximum": "greatest value",
    "may_be_class_ids": "may be ids of classes",
    "mean": "mean",
    "metric": "metric",
    "metrics": "metrics",
    "minimum": "least value",
    "missed_classes": "classes never predicted",
    "missed_samples": "samples of these",
    "multi_label_rows": "rows with several labels",
    "nonfinite": "NaN or infinite",
    "nonfinite_predictions": "predictions that are NaN or infinite",
    "norms": "norms of the gradient",
    "not_a_distribution": "rows that do not sum to 1",
    "one_hot_rows": "rows that name one class",
    "outputs": "outputs",
    "own_columns": "columns of mean 0 and deviation 1 in both",
    "p_value": "chance of this in noise alone",
    "penalties": "penalties",
    "predicted_class": "class predicted",
    "prediction_max": "greatest prediction",
    "prediction_min": "least prediction",
    "prediction_shape": "shape of the predictions",
    "prepared": "columns of the training data",
    "printed_loss": "loss printed",
    "printed_metric": "metric printed",
    "probability_at_threshold": "which is a probability of",
    "proof": "known from",
    "range": "range of the output",
    "ratio": "shrinks by a factor of",
    "reason": "reason",
    "recomputed_accuracy": "accuracy recomputed",
    "reported_accuracy": "accuracy printed",
    "rescued": "scores found behind the activation",
    "resolved": "which became",
    "row_sum_error": "rows miss a sum of 1 by up to",
    "rows": "rows of labels",
    "same_numbers": "in the same numbers",
    "samples": "samples",
    "shared": "training and validation data",
    "share_at_least": "share at the cap, at least",
    "since_epoch": "since epoch",
    "smoothed_accuracy": "accuracy, smoothed",
    "smoothed_val_accuracy": "validation accuracy, smoothed",
    "split": "data",
    "spoiled_samples": "samples that hold them",
    "standard_error": "noise moves it by about",
    "standard_errors": "rise, against its noise",
    "standard_errors_needed": "more than noise from",
    "std": "standard deviation",
    "step": "step",
    "steps": "steps",
    "sum_max": "greatest sum",
    "sum_min": "least sum",
    "summary": "in short",
    "target_shape": "shape of the targets",
    "threshold": "cut at",
    "thresholds": "cuts at",
    "train_again": "of them, those that come again",
    "train_epochs": "training loss of epochs",
    "train_looked_up": "training samples looked up",
    "train_loss": "training loss",
    "trend_chance": "chance of such a trend in noise alone",
    "typical": "means or medians of the others",
    "typical_swing": "usual swing",
    "units": "units",
    "until_epoch": "until epoch",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "val_samples": "validation samples",
    "weight_max": "greatest weight",
    "weight_mean": "mean weight",
    "weight_min": "least weight",
    "weighted_samples": "samples with weights",
    "weights_seen": "weights looked at",
    "weights_zero": "weights of 0",
    "wrong_epochs": "epochs that differ",
    "zero_rows": "rows of zeros",
    "zero_kernels": "kernels of zeros",
}
"""What each key of the evidence of lossmon's own rules is called."""

_WORDS: dict[str, dict[str, str]] = {
    "kind": {
        "loss_rises": "loss rose, accuracy held",
        "both_rise": "loss and accuracy rose",
        "both_fall": "loss and accuracy fell",
    },
    "label_kind": {
        "binary": "0 or 1",
        "multi_hot": "several labels each",
        "one_hot": "one-hot rows",
        "soft": "shares of classes",
        "class_ids": "class ids",
        "continuous": "real numbers",
        "integers": "whole numbers",
    },
    "how_shared": {
        "one_object": "one object is both",
        "trained_whole": "the training takes all that both are made of",
        "validated_whole": "the validation takes all that both are made of",
        "parted_anew": "parts of one, shuffled anew at each reading",
    },
    "split": {"train": "training", "val": "validation"},
    "proof": {
        "graph": "the activation",
        "trial": "trials with large weights",
        "source": "the code",
    },
}
_CHANCES = ("p_value", "trend_chance")
_MULTIPLES = ("loss_standard_errors", "standard_errors", "standard_errors_needed")
_SHAPES = ("label_shape", "target_shape", "prediction_shape")
_THEN = (
    *("val_loss", "train_loss", "val_accuracy", "smoothed_val_accuracy"),
    *("loss", "accuracy", "smoothed_accuracy", "train_epochs"),
)
_FEWEST, _MOST_PARTS = 1e-3, 12


def evidence_terms(evidence: Evidence) -> list[Term]:
    """Return the evidence of a finding in plain words; what is not known is left out.

    Args:
        evidence: of a finding. Keys that lossmon's own rules do not have are told as they are,
            their underscores as spaces.
    """
    return list(_terms(evidence))


def _terms(evidence: Evidence) -> Iterator[Term]:
    ends = {low: (high, name) for (low, high), name in _SPANS.items()}
    done = {"summary"}  # the message says it
    for key, value in evidence.items():
        if key in done or value is None or value in ([], {}, ""):
            continue
        high, name = ends.get(key, ("", ""))
        if high and evidence.get(high) is not None:
            done.add(high)
            both = dict.fromkeys((_value(key, value), _value(high, evidence[high])))
            yield Term(name, " to ".join(both))
        else:
            yield Term(NAMES.get(key, key.replace("_", " ")), _value(key, value))


def _value(key: str, value: Any) -> str:
    if key == "range" and isinstance(value, list):
        return _range(cast("list[float | None]", value))
    if key in _SHAPES and isinstance(value, list):
        sizes = cast("list[int | None]", value)
        each = [str(size) for size in sizes[1:]]
        return " × ".join(["batch", *each]) if each else "one number a sample"
    if key in _CHANCES and isinstance(value, float):
        return "less than 0.001" if value < _FEWEST else f"{value:.2g}"
    if isinstance(value, str):
        return _WORDS.get(key, {}).get(value, value)
    if key == "column_stds" or (key in _THEN and isinstance(value, list) and len(value) == 2):
        return (" to " if key == "column_stds" else " → ").join(map(_plain, value))
    return _plain(value) + (" times" if key in _MULTIPLES else "")


def _range(ends: Sequence[float | None]) -> str:
    low, high = ends
    if low is None:
        return "any number" if high is None else f"{number(high)} and below"
    return f"{number(low)} and above" if high is None else f"{number(low)} to {number(high)}"


def _plain(value: Any) -> str:
    """A value without the signs of any language for programs."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return _listed([_pair(key, one) for key, one in cast("Evidence", value).items()])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _listed([_plain(one) for one in cast("Sequence[Any]", value)])
    return "not known" if value is None else str(value)


def _pair(key: str, value: Any) -> str:
    """An argument of a loss, or how many units of a layer are dead."""
    if isinstance(value, Mapping) and {"dead", "units"} == {*value}:
        return f"{key}: {value['dead']:,} of {value['units']:,} units"
    return f"{key}={_plain(value)}"


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST_PARTS
    return ", ".join(parts[:_MOST_PARTS]) + (f" and {more:,} more" if more > 0 else "")
