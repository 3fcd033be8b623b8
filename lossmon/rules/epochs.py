"""The epochs that have ended, as the rules of training ask for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from lossmon.records import EpochRecord, Split
from lossmon.rules.facts import Facts, OutputFacts

T = TypeVar("T")

# Rounding of a learning rate that float32 holds.
_ROUNDING = 1e-6


def records_of(facts: Facts, output: OutputFacts, split: Split) -> list[EpochRecord]:
    """The epochs of one output and split that have ended, oldest first."""
    epochs = () if facts.training is None else facts.training.epochs
    return [e for e in epochs if e.split == split and e.output == output.name]


def until(facts: Facts, epoch: int) -> Facts:
    """What was known of a run, but for its batches, when an epoch had ended."""
    if facts.training is None:
        return facts
    known = facts.training
    earlier = replace(
        known,
        epochs=[e for e in known.epochs if e.epoch <= epoch],
        units=known.units and [u for u in known.units if u.epoch <= epoch],
        gradients=known.gradients and [g for g in known.gradients if g.epoch <= epoch],
        clipped=known.clipped and [c for c in known.clipped if c.epoch <= epoch],
        ended=False,
    )
    return replace(facts, training=earlier)


def judged_split(facts: Facts, output: OutputFacts) -> Split:
    """The split that shows how good a model is: validation, or training without it."""
    return "val" if records_of(facts, output, "val") else "train"


def trailing(items: Sequence[T], holds: Callable[[T], bool]) -> list[T]:
    """The longest end of a sequence of which all items satisfy a condition."""
    start = len(items)
    while start and holds(items[start - 1]):
        start -= 1
    return list(items[start:])


def loss_of(record: EpochRecord) -> float | None:
    """The epoch's data loss, the recomputed one first; None where it is not a finite number."""
    loss = record.loss if record.recomputed_loss is None else record.recomputed_loss
    return loss if loss is not None and math.isfinite(loss) else None


def samples_of(record: EpochRecord) -> float:
    """The samples of the epoch that were recomputed."""
    return record.n * record.coverage


def rate_now(facts: Facts) -> float | None:
    """The learning rate of the last training epoch; None where it is not known."""
    rates = [*_rates(facts).values()]
    return rates[-1] if rates else None


def highest_rate(facts: Facts) -> float | None:
    """The highest learning rate of a training epoch; None where none is known."""
    return max(_rates(facts).values(), default=None)


def rate_before_raise(facts: Facts, epoch: int) -> float | None:
    """The learning rate of a training epoch, if it is higher now; None where it is not."""
    before, now = _rates(facts).get(epoch), rate_now(facts)
    raised = before is not None and now is not None and now > before * (1 + _ROUNDING)
    return before if raised else None


def rate_raised(facts: Facts, epochs: int, until: int | None = None) -> bool:
    """Whether a schedule raised the learning rate within the last epochs of training.

    Args:
        facts: what is known of the run.
        epochs: how many.
        until: the last of them, from 0; None for the last one there is.
    """
    known = _rates(facts).items()
    rates = [rate for epoch, rate in known if until is None or epoch <= until][-epochs:]
    return any(b > a * (1 + _ROUNDING) for a, b in pairwise(rates))


def _rates(facts: Facts) -> dict[int, float]:
    """The learning rate of each training epoch, by its number, oldest first."""
    training = () if facts.training is None else facts.training.epochs
    return {
        e.epoch: e.learning_rate
        for e in training
        if e.split == "train" and e.learning_rate is not None
    }
