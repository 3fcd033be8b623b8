"""What lies behind loss and accuracy: confidence, and the loss of right and of wrong answers.

Nothing here is compared with Keras. Masked elements and those of sample weight 0 are left out;
other weights are not applied, so that counts are counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.tapped import Array, OutputValues
from lossmon.records import EpochRecord, LossSpec

Floats = NDArray[np.float64]
Kind = Literal["binary", "multiclass"]
SumAndCount = tuple[float, int]

# Per-class counts are kept for models with at most this many classes.
CLASSES = 100
# Predictions that are put into histograms at once: many small steps cost as much as a large one.
SUMMED_TOGETHER = 65_536

_NONE: SumAndCount = (0.0, 0)
_MULTICLASS = ("categorical_crossentropy", "sparse_categorical_crossentropy")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One output of one step. Losses are per sample, in the unit of the loss.

    Attributes:
        loss_squares: sum of the squared sample losses.
        judgement: each prediction, flat; None for outputs that do not predict probabilities.
        right, wrong: sum and count of the losses of samples predicted right and wrong.
        classes: number of classes.
    """

    loss_squares: float
    judgement: recompute.Judgement | None = None
    right: SumAndCount = _NONE
    wrong: SumAndCount = _NONE
    classes: int = 0

    @property
    def correct(self) -> float | None:
        """How many elements were predicted right."""
        return None if self.judgement is None else float(np.count_nonzero(self.judgement.correct))

    @property
    def judged(self) -> float | None:
        """How many elements were predicted."""
        return None if self.judgement is None else float(self.judgement.correct.size)

    @property
    def confidence(self) -> float | None:
        """Mean probability of the predicted class."""
        if self.judgement is None or not self.judgement.confidence.size:
            return None
        return float(self.judgement.confidence.mean())


def mean_of(sum_and_count: SumAndCount) -> float | None:
    """The mean; None of nothing."""
    total, count = sum_and_count
    return total / count if count else None


def explain(spec: LossSpec, tensors: OutputValues, elements: Floats) -> Explanation:
    """Explain one output of one step.

    Args:
        spec: the loss, which says what the predictions stand for.
        tensors: labels and predictions.
        elements: the recomputed losses before weights and reduction, `(N, ...)`.
    """
    counted = _counted(tensors, elements).ravel()
    losses = elements.ravel()[counted]
    squares = float(np.square(losses).sum())
    kind = _kind(spec, tensors.y_pred)
    if kind is None or tensors.y_true is None or tensors.y_pred is None or not counted.size:
        return Explanation(squares)
    judgement = recompute.judge(
        tensors.y_true,
        tensors.y_pred,
        # Where logits were found behind the output, the output itself is probabilities.
        from_logits=tensors.logits is None and bool(spec.config.get("from_logits")),
        binary=kind == "binary",
    )
    labels_each, rest = divmod(judgement.correct.size, counted.size)
    if rest or not labels_each:
        return Explanation(squares)
    by_sample = judgement.correct.reshape(counted.size, labels_each)
    right: NDArray[np.bool_] = np.asarray(by_sample.all(axis=1))[counted]
    if not counted.all():
        judgement = _only(judgement, np.repeat(counted, labels_each))
    return Explanation(
        squares,
        judgement,
        (float(losses[right].sum()), int(np.count_nonzero(right))),
        (float(losses[~right].sum()), int(np.count_nonzero(~right))),
        2 if kind == "binary" else tensors.y_pred.shape[-1],
    )


def _only(judgement: recompute.Judgement, kept: NDArray[np.bool_]) -> recompute.Judgement:
    return recompute.Judgement(
        judgement.confidence[kept],
        judgement.predicted[kept],
        judgement.label[kept],
        judgement.correct[kept],
    )


def _kind(spec: LossSpec, y_pred: Array | None) -> Kind | None:
    if y_pred is None or spec.custom:
        return None
    if spec.name in _MULTICLASS and y_pred.ndim > 1 and y_pred.shape[-1] > 1:
        return "multiclass"
    return "binary" if spec.name == "binary_crossentropy" else None


def _counted(tensors: OutputValues, elements: Floats) -> NDArray[np.bool_]:
    counted = np.ones(elements.shape, dtype=bool)
    for weight in (tensors.mask, tensors.sample_weight):
        if weight is None:
            continue
        present = np.asarray(weight) != 0
        if present.ndim == counted.ndim + 1 and present.shape[-1] == 1:
            present = present[..., 0]
        if present.ndim <= counted.ndim and present.shape == counted.shape[: present.ndim]:
            counted &= present.reshape(present.shape + (1,) * (counted.ndim - present.ndim))
    return counted


class ExplainedEpoch:
    """The explanations of one epoch, added up."""

    def __init__(self) -> None:
        self._seen = False
        self._squares = 0.0
        self._right, self._wrong = _NONE, _NONE
        self._reliability: recompute.Reliability | None = None
        self._classes: NDArray[np.int64] | None = None
        self._classes_seen = 0
        self._waiting: list[recompute.Judgement] = []
        self._waiting_elements = 0

    def add(self, found: Explanation) -> None:
        """Add one step."""
        self._seen = True
        self._squares += found.loss_squares
        self._right = _plus(self._right, found.right)
        self._wrong = _plus(self._wrong, found.wrong)
        if found.judgement is None:
            return
        self._classes_seen = found.classes
        self._waiting.append(found.judgement)
        self._waiting_elements += found.judgement.correct.size
        if self._waiting_elements >= SUMMED_TOGETHER:
            self._sum_up()

    def _sum_up(self) -> None:
        """Add what waits to histogram and counts."""
        if not self._waiting:
            return
        parts = (np.concatenate(values) for values in zip(*self._waiting, strict=True))
        judgement = recompute.Judgement(*parts)
        self._waiting, self._waiting_elements = [], 0
        bins = recompute.reliability(judgement.confidence, judgement.correct)
        self._reliability = bins if self._reliability is None else self._reliability + bins
        if self._classes_seen <= CLASSES:
            self._count_classes(judgement)

    def _count_classes(self, judgement: recompute.Judgement) -> None:
        classes = self._classes_seen
        if self._classes is None:
            self._classes = np.zeros((3, classes), dtype=np.int64)
        right = judgement.label[judgement.correct]
        for row, values in enumerate((judgement.label, judgement.predicted, right)):
            known = values[(values >= 0) & (values < classes)]
            self._classes[row] += np.bincount(known, minlength=classes)

    def close(self, record: EpochRecord) -> None:
        """Write the epoch's values into its record."""
        if not self._seen:
            return
        self._sum_up()
        record.loss_squares = self._squares
        record.loss_correct, record.loss_wrong = mean_of(self._right), mean_of(self._wrong)
        bins = self._reliability
        if bins is None or not bins.weight.sum():
            return
        record.correct, record.judged = float(bins.correct.sum()), float(bins.weight.sum())
        record.confidence = float(bins.confidence.sum() / record.judged)
        record.calibration_gap = record.confidence - record.correct / record.judged
        record.expected_calibration_error = recompute.expected_calibration_error(bins)
        record.reliability = bins.rows()
        record.class_counts = self._class_counts()

    def _class_counts(self) -> list[dict[str, float]] | None:
        if self._classes is None:
            return None
        return [
            {"label": label, "count": int(n), "predicted": int(predicted), "correct": int(right)}
            for label, (n, predicted, right) in enumerate(self._classes.T)
        ]


def _plus(first: SumAndCount, second: SumAndCount) -> SumAndCount:
    return first[0] + second[0], first[1] + second[1]
