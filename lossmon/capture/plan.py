"""How a run is judged: what is known before its first step, and what that step makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossmon import recompute
from lossmon.capture.chunk import Chunk, Floats
from lossmon.records import MetricSpec, OutputRecord

_ROUNDING = 2.0**-22


@dataclass(slots=True)
class Plan:
    """How the values of each step are to be read and judged.

    Attributes:
        outputs: what is judged on each output, in the model's order.
        loss_keys: the key that Keras prints each output's loss under; empty where it prints none.
        override: which of the model's methods replaces the compiled loss, None if none does.
        backend: of keras.
        why_unseen: says why no predictions come out of the steps, if none do by design.
        xla: whether XLA compiles the steps.
        training_layers: kinds of layers that act differently in training.
        trainable: whether the model has any weights that training may change.
        at_once: of how many steps at once labels and predictions may leave, before the writer has
            asked for more; 0 where those of all steps leave.
        one_by_one: whether they are too large for more than one step at once.
        losses, metrics: the user's own definitions, by name.
        meant: by place, the accuracy that was meant, where more labels than the first batch's show
            that it is another one; None where the printed one is right.
    """

    outputs: tuple[OutputRecord, ...]
    loss_keys: tuple[str, ...]
    override: str | None
    backend: recompute.Backend
    why_unseen: Callable[[], str | None]
    xla: bool = False
    training_layers: tuple[str, ...] = ()
    trainable: bool = True
    at_once: int = 0
    one_by_one: bool = False
    losses: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    meant: dict[int, MetricSpec | None] = field(default_factory=dict[int, MetricSpec | None])
    _computed: dict[int, MetricSpec | None] = field(default_factory=dict[int, MetricSpec | None])

    def settle(self, outputs: Sequence[OutputRecord], loss_keys: Sequence[str]) -> bool:
        """Go by what Keras made of losses and metrics in the first step.

        It may differ from what the batch let expect: the step may make other labels of it, and is
        traced with sizes that are open.

        Args:
            outputs: as they were resolved in the step.
            loss_keys: the key that Keras prints each one's loss under.

        Returns:
            Whether anything is otherwise. What was meant by another accuracy is not known then.
        """
        if list(map(_acting, outputs)) == list(map(_acting, self.outputs)):
            return False
        self.outputs, self.loss_keys = tuple(outputs), tuple(loss_keys)
        return True

    def intended(self, output: int) -> MetricSpec | None:
        """The accuracy to compute beside an output's printed one, where that is misread."""
        if output in self.meant:
            return self._computed.get(output)
        return self.outputs[output].intended_metric

    def has_loss_or_accuracy(self, output: int) -> bool:
        """Whether something of an output can be told of each batch."""
        record = self.outputs[output]
        return record.loss is not None or record.accuracy_metric is not None

    def has_metrics_alone(self, output: int) -> bool:
        """Whether all that is printed of one of several outputs are other metrics, of epochs."""
        record = self.outputs[output]
        named = record.name is not None
        return named and bool(record.metrics) and not self.has_loss_or_accuracy(output)

    def begin_epoch(self) -> list[OutputRecord] | None:
        """Compute from here on what was meant, as far as is known by now.

        Returns:
            The outputs described anew; None where nothing about them has changed.
        """
        if self.meant == self._computed:
            return None
        self._computed.update(self.meant)
        return [
            replace(output, intended_metric=self.intended(place))
            for place, output in enumerate(self.outputs)
        ]

    @property
    def misread(self) -> set[str | None]:
        """The outputs whose printed accuracy is misread."""
        known = enumerate(self.outputs)
        return {output.name for place, output in known if self.intended(place) is not None}

    def data_loss(self, chunk: Chunk) -> Floats | None:
        """The weighted sum of the outputs' own data losses, `(K,)`; None where one is missing."""
        parts = [
            (1.0 if output.loss_weight is None else output.loss_weight, index)
            for index, output in enumerate(self.outputs)
            if output.loss is not None
        ]
        losses = [(weight, chunk.scalars.get(f"loss:{index}")) for weight, index in parts]
        known = [weight * loss for weight, loss in losses if loss is not None]
        return np.sum(known, axis=0) if known and len(known) == len(parts) else None

    def penalty(self, chunk: Chunk) -> Floats | None:
        """What the total loss holds beyond the data losses, `(K,)`; None where that is unknown."""
        total = chunk.scalars.get("total")
        if self.override is not None or total is None:
            return None
        if not any(output.loss is not None for output in self.outputs):
            return total
        if "alone" in chunk.scalars:
            return np.zeros(len(chunk))
        data = self.data_loss(chunk)
        if data is None:
            return None
        with np.errstate(invalid="ignore"):  # of an infinite total it is NaN
            rest = total - data
        # Below the rounding of the float32 total it is no penalty.
        return np.where(np.abs(rest) <= _ROUNDING * np.abs(total), 0.0, rest)

    def nothing_compiled(self) -> str:
        """Why there is nothing to compare the model's loss with."""
        if self.override is not None:
            return f"{self.override} is overridden: there is no compiled loss to recompute"
        return "the model has no compiled loss: what it trains on comes from add_loss"


def _acting(output: OutputRecord) -> tuple[Any, ...]:
    """What acts on an output."""
    return output.name, output.loss, output.loss_weight, output.metrics, output.accuracy_metric
