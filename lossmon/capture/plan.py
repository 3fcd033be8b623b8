"""What is known of a run before its first step, for the judge on the writer thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from lossmon import recompute
from lossmon.capture.resolve import ResolvedOutput
from lossmon.capture.tapped import StepValues
from lossmon.records import OutputRecord

_ROUNDING = 2.0**-22


@dataclass(frozen=True, slots=True)
class Plan:
    """How the values of each step are to be read and judged.

    Attributes:
        outputs: what is judged on each output, in the model's order.
        loss_keys: the key that Keras prints each output's loss under.
        accuracy_positions: where each output's accuracy metric stands among the tapped states; None
            where it has none, or one that keeps no mean.
        override: which of the model's methods replaces the compiled loss, None if none does.
        backend: of keras.
        why_unseen: says why no predictions come out of the steps, if none do by design.
        steps_per_call: batches that one call of the train function consumes.
        training_layers: kinds of layers that act differently in training.
        losses, metrics: the user's own definitions, by name.
    """

    outputs: tuple[OutputRecord, ...]
    loss_keys: tuple[str, ...]
    accuracy_positions: tuple[int | None, ...]
    override: str | None
    backend: recompute.Backend
    why_unseen: Callable[[], str | None]
    steps_per_call: int = 1
    training_layers: tuple[str, ...] = ()
    losses: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def data_loss(self, values: StepValues) -> float | None:
        """The weighted sum of the outputs' own data losses; None where one is missing."""
        parts = [
            (1.0 if output.loss_weight is None else output.loss_weight, tensors.loss)
            for output, tensors in zip(self.outputs, values.outputs, strict=True)
            if output.loss is not None
        ]
        losses = [weight * loss for weight, loss in parts if loss is not None]
        return math.fsum(losses) if losses and len(losses) == len(parts) else None

    def penalty(self, values: StepValues) -> float | None:
        """What the total loss holds beyond the data losses; None where that cannot be told."""
        if self.override is not None or values.total_loss is None:
            return None
        if not any(output.loss is not None for output in self.outputs):
            return values.total_loss
        if values.alone:
            return 0.0
        data = self.data_loss(values)
        if data is None:
            return None
        rest = values.total_loss - data
        # Below the rounding of the float32 total it is no penalty.
        return 0.0 if abs(rest) <= _ROUNDING * abs(values.total_loss) else rest

    def nothing_compiled(self) -> str:
        """Why there is nothing to compare the model's loss with."""
        if self.override is not None:
            return f"{self.override} is overridden: there is no compiled loss to recompute"
        return "the model has no compiled loss: what it trains on comes from add_loss"


def accuracy_positions(outputs: list[ResolvedOutput]) -> tuple[int | None, ...]:
    """Where the tap's list of metric states holds each output's accuracy metric."""
    positions: list[int | None] = []
    count = 0
    for output in outputs:
        position = None
        for spec, metric in zip(output.record.metrics, output.metric_objects, strict=True):
            if not isinstance(metric, keras.metrics.Mean):
                continue
            if spec == output.record.accuracy_metric:
                position = count
            count += 1
        positions.append(position)
    return tuple(positions)
