"""What the judge found of one output in one step, on its way into the epoch's sums."""

from __future__ import annotations

from dataclasses import dataclass

from lossmon.capture.explain import Explanation
from lossmon.records import BatchRecord


@dataclass(slots=True)
class Judged:
    """One output of one step: its record, and what only the epoch needs of it.

    Attributes:
        record: the row for the database.
        has_loss: whether a compiled loss acts on the output.
        seen: whether labels and predictions came out of the step.
        total_loss: the value that Keras' running mean of this loss took in, penalty included.
        printed_weight: what that running mean weighs the batch by.
        loss_tolerance: absolute, of the recomputed loss.
        accuracy_total, accuracy_count: what Keras' accuracy metric added to its state.
        recomputed_total, recomputed_count: the same by `lossmon.recompute`.
        accuracy_tolerance: absolute, of the total.
        weighted: whether sample or class weights other than 1 came with the labels.
        elements, left_out: elements that came with a mask, and those of them that it left out.
        explanation: what lies behind loss and accuracy, None where nothing could be said.
    """

    record: BatchRecord
    has_loss: bool = False
    seen: bool = False
    total_loss: float | None = None
    printed_weight: float = 0.0
    loss_tolerance: float = 0.0
    accuracy_total: float = 0.0
    accuracy_count: float = 0.0
    recomputed_total: float = 0.0
    recomputed_count: float = 0.0
    accuracy_tolerance: float = 0.0
    weighted: bool = False
    elements: int = 0
    left_out: int = 0
    explanation: Explanation | None = None
