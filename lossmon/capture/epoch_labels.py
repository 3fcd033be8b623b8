"""Add up the labels of one epoch of one output, and its losses at the cap."""

from __future__ import annotations

from lossmon.capture.clipping import Clipped
from lossmon.capture.judged import Recomputed
from lossmon.capture.label_counts import LabelCounts, baselines
from lossmon.records import EpochRecord, LossSpec, Split
from lossmon.rules import ClippedFacts


class EpochLabels:
    """The labels of one epoch of one split and output.

    Args:
        loss: the output's; None where it has none.
        scale: the factor that Keras multiplies it with.
    """

    def __init__(self, loss: LossSpec | None, scale: float) -> None:
        self._loss, self._scale = loss, scale
        self._counts: LabelCounts | None = None
        self._known = True
        self._clipped: Clipped | None = None
        self._rows = self._matches = 0

    def add(self, found: Recomputed) -> None:
        """Add some steps."""
        counts, clipped = found.labels, found.clipped
        alike = self._counts is None or counts is None or _alike(self._counts, counts)
        self._known &= counts is not None and alike
        if self._known and counts is not None:
            self._counts = counts if self._counts is None else self._counts + counts
        if clipped is not None:
            before = self._clipped or Clipped(0, 0, clipped.cap)
            losses, capped = before.losses + clipped.losses, before.capped + clipped.capped
            self._clipped = Clipped(losses, capped, clipped.cap)
        if found.matches is not None:
            self._rows += found.matches[0]
            self._matches += found.matches[1]

    def close(self, record: EpochRecord, *, weighted: bool) -> None:
        """Write the epoch's values into its record."""
        if self._known and self._counts is not None:
            record.baselines = baselines(
                self._counts, self._loss, weighted=weighted, scale=self._scale
            )
        record.intended_exact_match = self._matches / self._rows if self._rows else None

    def clipped(self, epoch: int, split: Split, output: str | None) -> ClippedFacts | None:
        """What the rules are told of losses at the cap; None where nothing is clipped."""
        if self._clipped is None:
            return None
        return ClippedFacts(epoch, split, output, *self._clipped)


def _alike(ours: LabelCounts, theirs: LabelCounts) -> bool:
    return ours.ids == theirs.ids and ours.totals.shape == theirs.totals.shape
