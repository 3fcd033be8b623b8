"""What the judge found of one output in K steps, on its way into rows and the epoch's sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.chunk import Chunk, Floats
from lossmon.capture.clipping import Clipped
from lossmon.capture.label_counts import LabelCounts
from lossmon.capture.verify import BRIEF, Verdict
from lossmon.records import BatchRecord

_FIELDS = [(field.name, field.default) for field in fields(BatchRecord)]


@dataclass(slots=True)
class Recomputed:
    """What `lossmon.recompute` says of those steps that it was asked about, each `(R,)`.

    Attributes:
        rows: which of the K steps they are.
        loss: None where nothing defines it, or no loss acts on the output.
        loss_tolerance: absolute.
        accuracy_total, accuracy_count: what the accuracy metric's state takes in; None likewise.
        accuracy_tolerance: absolute, of the total.
        intended_accuracy: the accuracy that was meant, where the printed one is misread.
        nonfinite: elements of the predictions that are NaN or infinite.
        explanation: what lies behind loss and accuracy, None where nothing could be said.
        classes: how many the output tells apart, where it does.
        clipped: losses at the cap of clipped probabilities, of all these steps together.
        elements: the losses of validation steps before weights and reduction, `(R, N, ...)`.
        scale: the factor that Keras multiplies them with.
        labels: what the labels of all these steps are.
        matches: rows of several labels, and those of them that are right altogether.
    """

    rows: NDArray[np.int64]
    nonfinite: Floats
    loss: Floats | None = None
    loss_tolerance: Floats | None = None
    accuracy_total: Floats | None = None
    accuracy_count: Floats | None = None
    accuracy_tolerance: Floats | None = None
    intended_accuracy: Floats | None = None
    explanation: recompute.Explanation | None = None
    classes: int = 0
    clipped: Clipped | None = None
    elements: Floats | None = None
    scale: float = 1.0
    labels: LabelCounts | None = None
    matches: tuple[int, int] | None = None


@dataclass(slots=True)
class Judged:
    """One output of K steps: Keras' own values, each `(K,)`, and the recomputed ones.

    Attributes:
        chunk: the steps.
        output: the output's name; None for the only one, or for the model as a whole.
        n, weight: samples, and the sum of their weights.
        has_loss: whether a compiled loss acts on the output.
        has_values: whether there is something to tell of each step, not of epochs alone.
        loss: Keras' own data loss; None where it cannot be told.
        penalty: what the total holds beyond the data losses; None where it cannot be told.
        total_loss: what Keras' running mean of this loss took in, penalty included.
        printed_weight: what that running mean weighs each batch by.
        reported_loss, reported_accuracy: Keras' running means; None where it prints none.
        accuracy_total, accuracy_count: what Keras' accuracy metric added to its state.
        recomputed: None where no step was recomputed.
        weighted: whether sample or class weights other than 1 came with the labels.
        elements, left_out: elements that came with a mask, and those of them that it left out.
        loss_mask: whether that mask acts on the loss only.
        failed: whether the steps could not be recomputed although they were to be.
        verdicts: of each step.
    """

    chunk: Chunk
    output: str | None
    n: Floats
    weight: Floats
    printed_weight: Floats
    has_loss: bool = False
    has_values: bool = True
    loss: Floats | None = None
    penalty: Floats | None = None
    total_loss: Floats | None = None
    reported_loss: Floats | None = None
    reported_accuracy: Floats | None = None
    accuracy_total: Floats | None = None
    accuracy_count: Floats | None = None
    recomputed: Recomputed | None = None
    weighted: bool = False
    elements: int = 0
    left_out: int = 0
    loss_mask: bool = False
    failed: bool = False
    verdicts: list[Verdict] = field(default_factory=list)

    def say_of_all(self, verdict: Verdict) -> None:
        """Give all steps one verdict."""
        self.verdicts = [verdict] * len(self.chunk)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which steps were recomputed, `(K,)`."""
        seen = np.zeros(len(self.chunk), dtype=bool)
        if self.recomputed is not None:
            seen[self.recomputed.rows] = True
        return seen

    def records(self) -> list[BatchRecord]:
        """The rows for the database."""
        learning_rate = self.chunk.scalars.get("learning_rate")
        columns: dict[str, Sequence[Any] | None] = {
            "n": self.n.astype(np.int64).tolist(),
            "weight": self.weight.tolist(),
            "loss": _listed(self.loss),
            "penalty": _listed(self.penalty),
            "reported_loss": _listed(self.reported_loss),
            "accuracy": _quotients(self.accuracy_total, self.accuracy_count),
            "reported_accuracy": _listed(self.reported_accuracy),
            "learning_rate": _listed(learning_rate),
            **self._recomputed_columns(),
        }
        steps, places, started, seconds = zip(*self.chunk.places, strict=True)
        statuses, reasons = zip(*self.verdicts, strict=True)
        columns |= {"step": steps, "batch": places, "time": started, "seconds": seconds}
        columns |= {"status": statuses, "reason": [BRIEF.get(text, text) for text in reasons]}
        same = {"epoch": self.chunk.epoch, "split": self.chunk.split, "output": self.output}
        # Handed over by place: names would take longer than all the rest.
        given = (
            repeat(same.get(name, default)) if (column := columns.get(name)) is None else column
            for name, default in _FIELDS
        )
        return list(map(BatchRecord, *given))

    def _recomputed_columns(self) -> dict[str, Sequence[float | int | None] | None]:
        found = self.recomputed
        if found is None:
            return {}
        columns: dict[str, Sequence[float | int | None] | None] = {
            "nonfinite": found.nonfinite.astype(np.int64).tolist(),
            "recomputed_loss": _listed(found.loss),
            "recomputed_accuracy": _quotients(found.accuracy_total, found.accuracy_count),
            "intended_accuracy": _listed(found.intended_accuracy),
            **_explained(found.explanation),
        }
        if len(found.rows) == len(self.chunk):
            return columns
        missing = {"nonfinite": 0}
        return {
            name: None if values is None else self._spread(values, missing.get(name))
            for name, values in columns.items()
        }

    def _spread(
        self, values: Sequence[float | int | None], missing: int | None
    ) -> list[float | int | None]:
        """Values of the recomputed steps among all K."""
        assert self.recomputed is not None
        spread: list[float | int | None] = [missing] * len(self.chunk)
        for row, value in zip(self.recomputed.rows.tolist(), values, strict=True):
            spread[row] = value
        return spread


def _explained(
    explanation: recompute.Explanation | None,
) -> dict[str, Sequence[float | int | None] | None]:
    if explanation is None:
        return {}
    squares = explanation.loss_squares.tolist()
    verdicts = explanation.verdicts
    if verdicts is None:
        return {"loss_squares": squares}
    confidences = verdicts.confidence.tolist()
    return {
        "loss_squares": squares,
        "correct": verdicts.correct.astype(np.float64).tolist(),
        "judged": verdicts.judged.astype(np.float64).tolist(),
        "confidence": [None if math.isnan(mean) else mean for mean in confidences],
        "loss_correct": _quotients(verdicts.right_loss, verdicts.right),
        "loss_wrong": _quotients(verdicts.wrong_loss, verdicts.wrong),
    }


def _listed(values: Floats | None) -> list[float] | None:
    return None if values is None else values.tolist()


def _quotients(totals: Floats | None, counts: NDArray[Any] | None) -> list[float | None] | None:
    """Means, None where nothing was counted."""
    if totals is None or counts is None:
        return None
    pairs = zip(totals.tolist(), counts.tolist(), strict=True)
    return [total / count if count else None for total, count in pairs]
