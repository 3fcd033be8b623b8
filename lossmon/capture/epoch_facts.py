"""Gather, batch by batch, what the reconciliation of an epoch must know."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.capture.judged import Judged
from lossmon.capture.reconcile import EpochFacts
from lossmon.records import MetricSpec

# At most so many sums are kept of an epoch, at least half as many of a long one.
_CHUNKS = 512
_END = 0.1


class EpochEnd:
    """The means of the last tenth of an epoch whose length is not known before, in little memory.

    Batches are summed in chunks; each time there are too many of them, neighbours are joined.
    """

    def __init__(self) -> None:
        self._chunks: list[list[float]] = []
        self._batches_a_chunk = 1

    def add(self, row: Judged) -> None:
        """Add one batch, with the values and weights that Keras' running means took in."""
        if not self._chunks or self._chunks[-1][0] >= self._batches_a_chunk:
            self._make_room()
            self._chunks.append([0.0] * 5)
        weight = row.printed_weight if row.total_loss is not None else 0.0
        total = (row.total_loss or 0.0) * weight
        values = (1.0, total, weight, row.accuracy_total, row.accuracy_count)
        chunk = self._chunks[-1]
        chunk[:] = [before + value for before, value in zip(chunk, values, strict=True)]

    def _make_room(self) -> None:
        if len(self._chunks) < _CHUNKS:
            return
        pairs = zip(self._chunks[::2], self._chunks[1::2], strict=True)
        self._chunks = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
        self._batches_a_chunk *= 2

    def means(self) -> tuple[int, float | None, float | None]:
        """How many batches the end has, and their loss and accuracy; None where not known."""
        wanted = _END * sum(chunk[0] for chunk in self._chunks)
        sums = [0.0] * 5
        for chunk in reversed(self._chunks):
            sums = [a + b for a, b in zip(sums, chunk, strict=True)]
            if sums[0] >= wanted:
                break
        batches, total, weight, right, count = sums
        return int(batches), total / weight if weight else None, right / count if count else None


class EpochGathering:
    """What the batches of one epoch of one split and output tell beyond their sums.

    Args:
        accuracy_metric: what the printed accuracy is, None where there is none.
        training_layers: kinds of layers that act differently in training.
        penalty_printed: whether the printed loss holds the penalty.
    """

    def __init__(
        self,
        accuracy_metric: MetricSpec | None,
        training_layers: Sequence[str],
        *,
        penalty_printed: bool,
    ) -> None:
        self._metric = accuracy_metric
        self._layers = training_layers
        self._penalty_printed = penalty_printed
        self._end = EpochEnd()
        self._weighted = False
        self._elements = self._left_out = 0
        self._sizes: set[int] = set()
        self._printed_weights: set[float] = set()

    def add(self, row: Judged) -> None:
        """Add one batch."""
        self._weighted |= row.weighted
        self._elements += row.elements
        self._left_out += row.left_out
        self._sizes.add(row.record.n)
        self._printed_weights.add(row.printed_weight)
        if row.record.split == "train":
            self._end.add(row)

    def facts(self) -> EpochFacts:
        """What is known when the epoch has ended."""
        batches, loss, accuracy = self._end.means()
        return EpochFacts(
            accuracy_metric=self._metric,
            penalty_printed=self._penalty_printed,
            training_layers=self._layers,
            weighted=self._weighted,
            elements=self._elements,
            left_out=self._left_out,
            alike=len(self._printed_weights) == 1 < len(self._sizes),
            last_batches=batches,
            last_loss=loss,
            last_accuracy=accuracy,
        )
