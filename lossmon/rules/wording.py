"""Numbers and code as they stand in a finding."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossmon.records import MetricSpec, Split
from lossmon.rules.facts import OutputFacts
from lossmon.rules.input_facts import InputFacts
from lossmon.rules.label_facts import LabelFacts
from lossmon.rules.prediction_facts import OutputRange
from lossmon.rules.series import Point

_MOST_SPANS = 4
# Rounding of a learning rate that float32 holds.
_ROUNDING = 1e-6


def labels_text(labels: LabelFacts) -> str:
    """What the labels span, e.g. "25 … 346, 214 distinct values"."""
    count = labels.distinct_text
    noun = "value" if count == "1" else "values"
    return f"{number(labels.minimum)} … {number(labels.maximum)}, {count} distinct {noun}"


def labels_evidence(labels: LabelFacts) -> dict[str, object]:
    """The values behind `labels_text`, for the finding's evidence."""
    return {
        "label_min": labels.minimum,
        "label_max": labels.maximum,
        "label_distinct": None if labels.distinct is None else len(labels.distinct),
        "label_shape": [None, *labels.sample_shape],
        "label_samples": labels.samples,
    }


def metrics_text(metrics: Sequence[MetricSpec]) -> str:
    """Metrics by key and what they are, e.g. "'acc' (BinaryAccuracy(threshold=0.5))"."""
    return " and ".join(f"{metric.key!r} ({metric.label})" for metric in metrics)


def number(value: float | None) -> str:
    """A number with no more digits than a reader needs."""
    if value is None:
        return "unknown"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def where(output: OutputFacts) -> str:
    """How a message names the output: "the output" or "output 'box'"."""
    return "the output" if output.name is None else f"output {output.name!r}"


def of(output: OutputFacts) -> str:
    """What a message puts behind a loss: nothing of the only output, else " of output 'box'"."""
    return "" if output.name is None else f" of {where(output)}"


def data(split: Split) -> str:
    """How a message names a split: "training" or "validation"."""
    return {"train": "training", "val": "validation"}[split]


def loss_key(output: OutputFacts, split: Split) -> str:
    """The name under which Keras prints the output's loss, e.g. "val_loss" or "val_box_loss"."""
    name = "loss" if output.name is None else f"{output.name}_loss"
    return f"val_{name}" if split == "val" else name


def input_text(given: InputFacts) -> str:
    """How a message names an input: "the input" or "input 'left'"."""
    return input_of(given.name)


def input_of(name: str | None) -> str:
    """The same of its name."""
    return "the input" if name is None else f"input {name!r}"


def class_name(definition: str) -> str:
    """The class of a definition: `binary_crossentropy` → `BinaryCrossentropy`."""
    return "".join(word.title() for word in definition.split("_"))


def range_evidence(values: OutputRange | None) -> list[float | None] | None:
    """The bounds of a range for the finding's evidence; None for an open side."""
    if values is None:
        return None
    return [bound if math.isfinite(bound) else None for bound in (values.low, values.high)]


def epochs_text(first: int, last: int) -> str:
    """Epochs as Keras prints them, from 1, e.g. "since epoch 4 (of 12)"."""
    return f"since epoch {first + 1} (of {last + 1})"


def numbered_epochs(epochs: Sequence[int]) -> str:
    """Epochs as Keras prints them, from 1, e.g. "2, 4–6, 9": a few spans, and where they end.

    Args:
        epochs: from 0, in ascending order.
    """
    spans: list[tuple[int, int]] = []
    for epoch in epochs:
        if spans and epoch == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], epoch
        else:
            spans.append((epoch, epoch))
    told = [f"{low + 1}" if low == high else f"{low + 1}–{high + 1}" for low, high in spans]
    if len(told) > _MOST_SPANS:
        told[_MOST_SPANS - 1 : -1] = ["…"]
    return ", ".join(told)


def moved_text(before: Point, after: Point) -> str:
    """Two values and the epochs they are of, e.g. "0.25 (epoch 9) → 0.44 (epoch 40)"."""
    return " → ".join(f"{number(p.value)} (epoch {p.epoch + 1})" for p in (before, after))


def learning_rate(rate: float | None, factor: float, usual: float | None = None) -> str:
    """Code that sets the learning rate to a multiple of what it is, or to what is usual.

    Args:
        rate: the rate now; None where it is not known.
        factor: what to multiply it by.
        usual: what is usual for the optimizer, which is named where the rate is far from it.
    """
    known = rate is not None and math.isfinite(rate) and rate > 0
    value = f"{rate * factor:.3g}" if rate is not None and known else "1e-3"
    if usual is not None and (far_below(rate, usual) if factor > 1 else far_above(rate, usual)):
        value = f"{usual:.3g}"
    return f"model.optimizer.learning_rate = {value}"


def far_below(rate: float | None, usual: float | None) -> bool:
    """Whether a learning rate is less than a hundredth of what is usual; False where not known."""
    return rate is not None and usual is not None and 0 < rate < usual / 100 * (1 - _ROUNDING)


def far_above(rate: float | None, usual: float | None) -> bool:
    """Whether a learning rate is ten times what is usual, or more; False where not known."""
    return rate is not None and usual is not None and rate > usual * 10 * (1 - _ROUNDING)
