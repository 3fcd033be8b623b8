"""Say in words why a printed number differs from what a reader may expect.

Readers expect the value of the data, with the weights as they are now, for every sample alike. What
Keras prints departs from that for reasons that are each known and, mostly, can be given in numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossmon.records import EpochRecord, MetricSpec

# Below this share of the printed loss the rest of it is rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """What the record of an epoch does not tell about its printed values.

    Attributes:
        accuracy_metric: what the printed accuracy is, None where there is none.
        penalty_printed: whether the printed loss holds the penalty.
        training_layers: kinds of layers that act differently in training, e.g. "Dropout".
        held_by: what kept the weights from moving in training; None where they may have moved.
        weighted: whether sample or class weights other than 1 came with the labels.
        elements, left_out: elements that came with a mask, and those of them that it left out.
        loss_mask: whether that mask acts on the loss, and not on the metrics.
        alike: whether the printed loss weighs batches of different sizes alike.
        last_batches: how many batches the next two are over.
        last_loss, last_accuracy: the mean of what was printed, over the end of the epoch alone.
    """

    accuracy_metric: MetricSpec | None = None
    penalty_printed: bool = True
    training_layers: Sequence[str] = ()
    held_by: str | None = None
    weighted: bool = False
    elements: int = 0
    left_out: int = 0
    loss_mask: bool = False
    alike: bool = False
    last_batches: int = 0
    last_loss: float | None = None
    last_accuracy: float | None = None


def reconcile(record: EpochRecord, facts: EpochFacts) -> list[str]:
    """Why the printed values of an epoch are not what a reader may expect.

    Args:
        record: the epoch of one split and output, complete.
        facts: what else is known of it.

    Returns:
        One sentence for each reason that applies, those that only training has first.
    """
    found = (reason(record, facts) for reason in _REASONS)
    return [sentence for sentence in found if sentence is not None]


def _moving_weights(record: EpochRecord, facts: EpochFacts) -> str | None:
    if record.split != "train":
        return None
    if facts.held_by is not None:
        return f"No weight was trained in this epoch: {facts.held_by}."
    loss, accuracy = record.audited_loss, record.audited_accuracy
    now = "evaluated with the weights of its end, the training set gives"
    if loss is None and accuracy is None:
        if record.batches < 2:
            return None
        loss, accuracy = facts.last_loss, facts.last_accuracy
        now = f"over its {_last(facts.last_batches)}, that was"
    pairs = {"loss": (record.reported_loss, loss), "accuracy": (record.reported_accuracy, accuracy)}
    known = {
        name: (_number(printed), _number(still))
        for name, (printed, still) in pairs.items()
        if printed is not None and still is not None
    }
    if all(printed == still for printed, still in known.values()):
        return None
    printed = " and ".join(f"{name} {value}" for name, (value, _) in known.items())
    still = " and ".join(value for _, value in known.values())
    means = "is the mean" if len(known) == 1 else "are means"
    return f"The printed {printed} {means} of an epoch in which the weights moved; {now} {still}."


def _training_mode(record: EpochRecord, facts: EpochFacts) -> str | None:
    if record.split != "train" or not facts.training_layers:
        return None
    layers, act = _listing(facts.training_layers), "act" if facts.training_layers[1:] else "acts"
    differently = f"{act} differently in training, where these values come from, than in validation"
    return f"{layers[:1].upper()}{layers[1:]} {differently}."


def _penalty(record: EpochRecord, facts: EpochFacts) -> str | None:
    printed, penalty = record.reported_loss, record.penalty
    if not facts.penalty_printed or printed is None or penalty is None:
        return None
    rest = printed - penalty
    if _number(rest) == _number(printed):
        return None
    if abs(rest) <= _ROUNDING * abs(printed):
        return "All of the printed loss is penalty (regularisers, add_loss)."
    return (
        f"The printed loss holds a penalty of {_number(penalty)} (regularisers, add_loss); "
        f"without it, it is {_number(rest)}."
    )


def _equal_batches(record: EpochRecord, facts: EpochFacts) -> str | None:
    printed, own = record.reported_loss, record.loss
    if not facts.alike or printed is None or own is None:
        return None
    by_size = own + (record.penalty or 0.0) if facts.penalty_printed else own
    if _number(by_size) == _number(printed):
        return None
    return (
        f"Keras weighs all batches alike in the printed loss {_number(printed)}, whatever their "
        f"size; with every sample alike, it is {_number(by_size)}."
    )


def _weights(record: EpochRecord, facts: EpochFacts) -> str | None:
    if not facts.weighted or record.reported_loss is None:
        return None
    metric = facts.accuracy_metric
    where = "in the loss"
    if metric is not None:
        where = "in loss and accuracy" if metric.weighted else "in the loss, not in the accuracy"
    total, samples = _number(record.weight), _number(record.n)
    return f"Sample or class weights count {where}; they add up to {total} over {samples} samples."


def _mask(_: EpochRecord, facts: EpochFacts) -> str | None:
    if not facts.left_out:
        return None
    share = _share(facts.left_out / facts.elements)
    where = " of the loss, but not of the metrics" if facts.loss_mask else ""
    counts = f"{facts.left_out:,} of {facts.elements:,}"
    return f"A mask leaves out {share} of the elements{where}, {counts}."


def _resolved(record: EpochRecord, facts: EpochFacts) -> str | None:
    metric = facts.accuracy_metric
    if metric is None or record.reported_accuracy is None:
        return None
    name = metric.label.removesuffix("()") or metric.name
    sentence = f"The printed `{metric.key}` is {name}"
    if metric.alias is not None:
        sentence += ", chosen by the shapes of labels and predictions alone"
    elif record.intended_accuracy is None:
        return None
    if record.intended_accuracy is not None:
        sentence += f"; the accuracy that was meant is {_number(record.intended_accuracy)}"
    return f"{sentence}."


def _threshold(record: EpochRecord, facts: EpochFacts) -> str | None:
    metric = facts.accuracy_metric
    if metric is None or metric.name != "binary_accuracy" or record.reported_accuracy is None:
        return None
    threshold = metric.config.get("threshold")
    if threshold is None:
        return None
    return f"The accuracy counts predictions above {threshold:g} as 1, all others as 0."


def _coverage(record: EpochRecord, _: EpochFacts) -> str | None:
    if record.coverage >= 1.0 or not record.batches:
        return None
    if not record.coverage:
        return "None of the samples was computed a second time."
    return f"Only {_share(record.coverage)} of the samples were computed a second time."


_REASONS = (
    *(_moving_weights, _training_mode, _penalty, _equal_batches),
    *(_weights, _mask, _resolved, _threshold, _coverage),
)


def _number(value: float) -> str:
    """Four significant digits, and no fraction or exponent where the number is large."""
    if not math.isfinite(value):
        return {math.inf: "+inf", -math.inf: "-inf"}.get(value, "NaN")
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def _share(value: float) -> str:
    """A percentage; never 100 of what is not the whole, never 0 of what is something."""
    percent = math.floor(value * 1000) / 10 if value < 1 else 100.0
    return f"{percent:g} %" if percent else "less than 0.1 %"


def _last(batches: int) -> str:
    return "last batch" if batches == 1 else f"last {batches:,} batches"


def _listing(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
