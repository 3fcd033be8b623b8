"""Gather, batch by batch, what the reconciliation of an epoch must know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.judged import Judged
from lossmon.capture.reconcile import EpochFacts
from lossmon.records import MetricSpec

# At most so many sums are kept of an epoch, at least half as many of a long one.
_SUMS = 1024
_END = 0.1

Sums = NDArray[np.float64]


class EpochEnd:
    """The means of the last tenth of an epoch whose length is not known before, in little memory.

    A row of sums (batches, loss, its weight, accuracy's total and count) begins as one batch; each
    time there are too many of them, neighbours are joined.
    """

    def __init__(self) -> None:
        self._sums: Sums = np.empty((0, 5))

    def add(self, judged: Judged) -> None:
        """Add some steps, with the values and weights that Keras' running means took in."""
        new = np.zeros((len(judged.chunk), 5))
        new[:, 0] = 1.0
        if judged.total_loss is not None:
            new[:, 1] = judged.total_loss * judged.printed_weight
            new[:, 2] = judged.printed_weight
        if judged.accuracy_total is not None and judged.accuracy_count is not None:
            new[:, 3], new[:, 4] = judged.accuracy_total, judged.accuracy_count
        self._sums = np.concatenate([self._sums, new])
        while len(self._sums) > _SUMS:
            even = self._sums[: len(self._sums) // 2 * 2]
            joined = even.reshape(-1, 2, 5).sum(axis=1)
            self._sums = np.concatenate([joined, self._sums[len(even) :]])

    def means(self) -> tuple[int, float | None, float | None]:
        """How many batches the end has, and their loss and accuracy; None where not known."""
        if not len(self._sums):
            return 0, None, None
        from_end = np.cumsum(self._sums[::-1], axis=0)
        enough = int(np.argmax(from_end[:, 0] >= _END * from_end[-1, 0]))
        batches, total, weight, right, count = from_end[enough].tolist()
        return int(batches), total / weight if weight else None, right / count if count else None


class EpochGathering:
    """What the batches of one epoch of one split and output tell beyond their sums.

    Args:
        accuracy_metric: what the printed accuracy is, None where there is none.
        training_layers: kinds of layers that act differently in training.
        penalty_printed: whether the printed loss holds the penalty.
        trainable: whether the model has any weights that training may change.
    """

    def __init__(
        self,
        accuracy_metric: MetricSpec | None,
        training_layers: Sequence[str],
        *,
        penalty_printed: bool,
        trainable: bool = True,
    ) -> None:
        self._metric = accuracy_metric
        self._layers = training_layers
        self._penalty_printed = penalty_printed
        self._trainable = trainable
        self._stepped = False
        self._end = EpochEnd()
        self._weighted = False
        self._elements = self._left_out = 0
        self._loss_mask = False
        self._sizes: set[float] = set()
        self._printed_weights: set[float] = set()

    def add(self, judged: Judged) -> None:
        """Add some steps."""
        self._weighted |= judged.weighted
        self._elements += judged.elements
        self._left_out += judged.left_out
        self._loss_mask |= judged.loss_mask
        self._sizes.update(judged.n.tolist())
        self._printed_weights.update(judged.printed_weight.tolist())
        if judged.chunk.split == "train":
            self._end.add(judged)
            rates = judged.chunk.scalars.get("learning_rate")
            self._stepped |= rates is None or bool(np.any(rates != 0))

    def facts(self) -> EpochFacts:
        """What is known when the epoch has ended."""
        batches, loss, accuracy = self._end.means()
        return EpochFacts(
            accuracy_metric=self._metric,
            penalty_printed=self._penalty_printed,
            training_layers=self._layers,
            held_by=self._held_by(),
            weighted=self._weighted,
            elements=self._elements,
            left_out=self._left_out,
            loss_mask=self._loss_mask,
            alike=len(self._printed_weights) == 1 < len(self._sizes),
            last_batches=batches,
            last_loss=loss,
            last_accuracy=accuracy,
        )

    def _held_by(self) -> str | None:
        """What kept the weights from moving; None where they may have moved."""
        if not self._trainable:
            return "the model has no trainable ones"
        return None if self._stepped else "the learning rate was 0"
