"""What lies behind loss and accuracy: confidence, and the loss of right and of wrong answers.

Nothing here is compared with Keras. Masked elements and those of sample weight 0 are left out;
other weights are not applied, so that counts are counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.tapped import Array, OutputValues
from lossmon.records import EpochRecord, LossSpec, OutputRecord

Floats = NDArray[np.float64]
Kind = Literal["binary", "multilabel", "multiclass"]

BINS = 15
# Per-class counts are kept for models with at most this many classes.
CLASSES = 100

_MULTICLASS = ("categorical_crossentropy", "sparse_categorical_crossentropy")


class Predictions(NamedTuple):
    """Elementwise, flat: which were right, how sure, and of which class."""

    correct: NDArray[np.bool_]
    confidence: Floats
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One output of one step. Losses are per sample, in the unit of the loss.

    Attributes:
        loss_squares: sum of the squared sample losses.
        predictions: None for outputs that do not predict probabilities.
        losses_right, losses_wrong: (sum, count) of the losses of samples predicted right and wrong.
        classes: number of classes.
    """

    loss_squares: float
    predictions: Predictions | None = None
    losses_right: tuple[float, int] = (0.0, 0)
    losses_wrong: tuple[float, int] = (0.0, 0)
    classes: int = 0

    @property
    def correct(self) -> float | None:
        """How many elements were predicted right."""
        return None if self.predictions is None else float(self.predictions.correct.sum())

    @property
    def judged(self) -> float | None:
        """How many elements were predicted."""
        return None if self.predictions is None else float(self.predictions.correct.size)

    @property
    def loss_correct(self) -> float | None:
        """Mean loss of the samples predicted right."""
        return mean_of(self.losses_right)

    @property
    def loss_wrong(self) -> float | None:
        """Mean loss of the samples predicted wrong."""
        return mean_of(self.losses_wrong)

    @property
    def mean_confidence(self) -> float | None:
        """Mean probability of the predicted class."""
        if self.predictions is None or not self.predictions.confidence.size:
            return None
        return float(self.predictions.confidence.mean())


def mean_of(total_and_count: tuple[float, int]) -> float | None:
    """The mean; None of nothing."""
    total, count = total_and_count
    return total / count if count else None


def explain(
    output: OutputRecord, tensors: OutputValues, found: recompute.LossEvaluation
) -> Explanation:
    """Explain one output of one step from its labels, predictions and recomputed sample losses."""
    counted = _counted(tensors, found.elements)
    losses = found.elements[counted]
    squares = float(np.square(losses).sum())
    kind = _kind(output.loss, tensors.y_pred)
    if kind is None or tensors.y_true is None:
        return Explanation(squares)
    correct, confidence, label, predicted = _predictions(kind, output.loss, tensors)
    if correct.shape[: counted.ndim] != counted.shape:
        return Explanation(squares)
    right = correct if correct.shape == counted.shape else correct.all(axis=-1)
    right = right[counted]
    predictions = Predictions(
        *(a[counted].ravel() for a in (correct, confidence, label, predicted))
    )
    return Explanation(
        squares,
        predictions,
        (float(losses[right].sum()), int(right.sum())),
        (float(losses[~right].sum()), int((~right).sum())),
        2 if kind != "multiclass" else int(_logits_or_pred(tensors).shape[-1]),
    )


def _kind(loss: LossSpec | None, y_pred: Array | None) -> Kind | None:
    if loss is None or y_pred is None or not y_pred.ndim:
        return None
    if loss.name in _MULTICLASS and y_pred.ndim > 1 and y_pred.shape[-1] > 1:
        return "multiclass"
    if loss.name == "binary_crossentropy":
        return "binary" if y_pred.ndim == 1 or y_pred.shape[-1] == 1 else "multilabel"
    return None


def _logits_or_pred(tensors: OutputValues) -> Array:
    found = tensors.logits if tensors.logits is not None else tensors.y_pred
    assert found is not None
    return found


def _predictions(kind: Kind, loss: LossSpec | None, tensors: OutputValues) -> Predictions:
    assert loss is not None
    assert tensors.y_true is not None
    values = np.asarray(_logits_or_pred(tensors), dtype=np.float64)
    logits = tensors.logits is not None or bool(loss.config.get("from_logits"))
    if kind == "multiclass":
        return _multiclass(values, np.asarray(tensors.y_true), logits)
    return _binary(kind, values, np.asarray(tensors.y_true, dtype=np.float64), logits)


def _multiclass(values: Floats, y_true: Array, logits: bool) -> Predictions:
    if y_true.ndim == values.ndim and y_true.shape[-1] == values.shape[-1]:
        label = y_true.argmax(axis=-1)
    else:
        label = (y_true[..., 0] if y_true.ndim == values.ndim else y_true).astype(np.int64)
    predicted = values.argmax(axis=-1)
    top = values.max(axis=-1)
    if logits:
        with np.errstate(invalid="ignore", over="ignore"):
            confidence = 1.0 / np.exp(values - top[..., None]).sum(axis=-1)
    else:
        confidence = top
    return Predictions(predicted == label, confidence, label, predicted)


def _binary(kind: Kind, values: Floats, y_true: Floats, logits: bool) -> Predictions:
    if kind == "binary":
        values = values[..., 0] if values.ndim > 1 else values
        y_true = y_true.reshape(values.shape)
    probability = 0.5 * (1.0 + np.tanh(0.5 * values)) if logits else values
    predicted = probability > 0.5
    label = y_true > 0.5
    confidence = np.where(predicted, probability, 1.0 - probability)
    return Predictions(
        predicted == label, confidence, label.astype(np.int64), predicted.astype(np.int64)
    )


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
        self._squares = 0.0
        self._seen = False
        self._right, self._wrong = (0.0, 0), (0.0, 0)
        self._bins = np.zeros((3, BINS))
        self._classes: NDArray[np.int64] | None = None

    def add(self, found: Explanation) -> None:
        """Add one step."""
        self._seen = True
        self._squares += found.loss_squares
        self._right = _plus(self._right, found.losses_right)
        self._wrong = _plus(self._wrong, found.losses_wrong)
        if found.predictions is not None:
            self._add_bins(found.predictions)
            self._add_classes(found.predictions, found.classes)

    def _add_bins(self, predictions: Predictions) -> None:
        confidence = predictions.confidence
        finite = np.isfinite(confidence)
        confidence, correct = confidence[finite], predictions.correct[finite]
        index = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        self._bins[0] += np.bincount(index, minlength=BINS)
        self._bins[1] += np.bincount(index, weights=confidence, minlength=BINS)
        self._bins[2] += np.bincount(index, weights=correct.astype(float), minlength=BINS)

    def _add_classes(self, predictions: Predictions, classes: int) -> None:
        if classes > CLASSES or predictions.label.size == 0:
            return
        if self._classes is None:
            self._classes = np.zeros((3, classes), dtype=np.int64)
        label, predicted, correct = predictions.label, predictions.predicted, predictions.correct
        for row, values in enumerate((label, predicted, label[correct])):
            known = values[(values >= 0) & (values < classes)]
            self._classes[row] += np.bincount(known, minlength=classes)

    def close(self, record: EpochRecord) -> None:
        """Write the epoch's values into its record."""
        if not self._seen:
            return
        record.loss_squares = self._squares
        record.loss_correct, record.loss_wrong = mean_of(self._right), mean_of(self._wrong)
        count, confidence, correct = self._bins
        judged = float(count.sum())
        if not judged:
            return
        record.correct, record.judged = float(correct.sum()), judged
        record.confidence = float(confidence.sum() / judged)
        record.calibration_gap = record.confidence - record.correct / judged
        record.expected_calibration_error = float(np.abs(confidence - correct).sum() / judged)
        record.reliability = self._reliability()
        record.class_counts = self._class_counts()

    def _reliability(self) -> list[dict[str, float]]:
        return [
            {
                "low": index / BINS,
                "high": (index + 1) / BINS,
                "count": float(count),
                "confidence": float(confidence / count),
                "accuracy": float(correct / count),
            }
            for index, (count, confidence, correct) in enumerate(self._bins.T)
            if count
        ]

    def _class_counts(self) -> list[dict[str, float]] | None:
        if self._classes is None:
            return None
        return [
            {"label": label, "count": int(n), "predicted": int(predicted), "correct": int(correct)}
            for label, (n, predicted, correct) in enumerate(self._classes.T)
        ]


def _plus(first: tuple[float, int], second: tuple[float, int]) -> tuple[float, int]:
    return first[0] + second[0], first[1] + second[1]
