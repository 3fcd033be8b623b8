"""What lies behind loss and accuracy: confidence, and the loss of right and of wrong answers.

Nothing here is compared with Keras. Masked elements and those of sample weight 0 are left out;
other weights are not applied, so that counts are counts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.chunk import Array, Floats, OutputArrays
from lossmon.records import EpochRecord, LossSpec

Bools = NDArray[np.bool_]
Kind = Literal["binary", "multiclass"]

# Per-class counts are kept for models with at most this many classes.
CLASSES = 100
# Predictions that are put into histograms at once: many small steps cost as much as a large one.
SUMMED_TOGETHER = 65_536

_SPARSE = "sparse_categorical_crossentropy"
_MULTICLASS = ("categorical_crossentropy", _SPARSE)


def explain(spec: LossSpec, tensors: OutputArrays, elements: Floats) -> recompute.Explanation:
    """Explain one output of K steps.

    Args:
        spec: the loss, which says what the predictions stand for.
        tensors: labels and predictions.
        elements: the recomputed losses before weights and reduction, `(K, N, ...)`.
    """
    assert tensors.y_true is not None
    assert tensors.y_pred is not None
    return recompute.explain_batches(
        kind_of(spec, tensors.y_pred),
        tensors.y_true,
        tensors.y_pred,
        elements,
        counted(tensors, elements.shape),
        # Where logits were found behind the output, the output itself is probabilities.
        from_logits=tensors.logits is None and bool(spec.config.get("from_logits")),
        of_likelihood=_is_likelihood(spec),
    )


def _is_likelihood(spec: LossSpec) -> bool:
    """Whether a loss is the negative log-likelihood of class ids, whichever they are."""
    axis, ignored = spec.config.get("axis", -1), spec.config.get("ignore_class")
    return spec.name == _SPARSE and not spec.custom and axis == -1 and ignored is None


def classes_of(spec: LossSpec, tensors: OutputArrays) -> int:
    """How many classes an output tells apart; 0 where it predicts none."""
    kind = None if tensors.y_pred is None else kind_of(spec, tensors.y_pred)
    if kind is None or tensors.y_pred is None:
        return 0
    return 2 if kind == "binary" else tensors.y_pred.shape[-1]


def kind_of(spec: LossSpec, y_pred: Array) -> Kind | None:
    """What predictions `(K, N, ...)` stand for; None for anything but probabilities and logits."""
    if spec.custom:
        return None
    if spec.name in _MULTICLASS and y_pred.ndim > 2 and y_pred.shape[-1] > 1:
        return "multiclass"
    return "binary" if spec.name == "binary_crossentropy" else None


def counted(tensors: OutputArrays, shape: tuple[int, ...]) -> Bools | None:
    """Which elements of a shape `(K, N, ...)` count; None where all do."""
    found: Bools | None = None
    for weight in (tensors.mask_of_loss, tensors.weight_of_loss):
        if weight is None:
            continue
        present: Bools = np.asarray(weight) != 0
        if present.ndim == len(shape) + 1 and present.shape[-1] == 1:
            present = present[..., 0]
        if present.ndim <= len(shape) and present.shape == shape[: present.ndim]:
            whole = present.reshape(present.shape + (1,) * (len(shape) - present.ndim))
            each = np.broadcast_to(whole, shape)
            found = each if found is None else found & each
    return None if found is None or found.all() else found


class ExplainedEpoch:
    """The explanations of one epoch, added up."""

    def __init__(self) -> None:
        self._seen = False
        self._squares = 0.0
        self._right_loss = self._wrong_loss = 0.0
        self._right = self._wrong = 0
        self._judged = self._correct = 0
        self._reliability: recompute.Reliability | None = None
        self._classes: NDArray[np.int64] | None = None
        self._classes_seen = 0
        self._waiting: list[recompute.Judgement] = []
        self._waiting_elements = 0

    def add(self, found: recompute.Explanation, classes: int) -> None:
        """Add some steps of a model that tells so many classes apart."""
        self._seen = True
        self._squares += float(found.loss_squares.sum())
        verdicts = found.verdicts
        if verdicts is None:
            return
        self._right_loss += float(verdicts.right_loss.sum())
        self._right += int(verdicts.right.sum())
        self._wrong_loss += float(verdicts.wrong_loss.sum())
        self._wrong += int(verdicts.wrong.sum())
        self._judged += int(verdicts.judged.sum())
        self._correct += int(verdicts.correct.sum())
        self._classes_seen = classes
        self._waiting.append(verdicts.judgement)
        self._waiting_elements += verdicts.judgement.correct.size
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
        record.loss_correct = self._right_loss / self._right if self._right else None
        record.loss_wrong = self._wrong_loss / self._wrong if self._wrong else None
        if not self._judged:
            return
        record.correct, record.judged = float(self._correct), float(self._judged)
        record.class_counts = self._class_counts()
        bins = self._reliability
        # A mean over some of the predictions would be no mean of the epoch.
        if bins is None or bins.weight.sum() < self._judged:
            return
        record.confidence = float(bins.confidence.sum() / record.judged)
        record.calibration_gap = record.confidence - record.correct / record.judged
        record.expected_calibration_error = recompute.expected_calibration_error(bins)
        record.reliability = bins.rows()

    def _class_counts(self) -> list[dict[str, float]] | None:
        if self._classes is None:
            return None
        return [
            {"label": label, "count": int(n), "predicted": int(predicted), "correct": int(right)}
            for label, (n, predicted, right) in enumerate(self._classes.T)
        ]
