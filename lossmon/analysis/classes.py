"""Class by class: which are mistaken for which, and what each costs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.records import SampleRecord

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]


class Confusion(NamedTuple):
    """How often each class was predicted as each.

    Attributes:
        classes: their ids, ascending, shape `(K,)`.
        counts: samples, shape `(K, K)`: a row for each label, a column for each prediction.
        left_out: how many further classes there are, which are mistaken less often.
    """

    classes: Ints
    counts: Ints
    left_out: int


class ClassLevel(NamedTuple):
    """One class of the validation data in one epoch.

    Attributes:
        label: its id.
        samples: how many there are.
        right: share predicted right; None where there is no right or wrong.
        loss: mean loss of a sample.
    """

    label: int
    samples: int
    right: float | None
    loss: float


def confusion(record: SampleRecord, most: int = 20) -> Confusion | None:
    """Count labels against predictions; masked samples are left out.

    Args:
        record: the samples of one epoch, as `Store.samples` gives them.
        most: so many classes at most, those that are mistaken, or mistaken for, most often.

    Returns:
        None where labels or predictions are not of one class each.
    """
    labels = _labels(record)
    if labels is None or record.predicted is None:
        return None
    counted = _counted(record)
    labels, predicted = labels[counted], record.predicted[counted]
    classes = np.unique(np.concatenate([labels, predicted]))
    kept = classes
    if len(classes) > most:
        wrong = labels != predicted
        mistaken = np.concatenate([labels[wrong], predicted[wrong], labels])
        # A class without a mistake counts for less than one with a single one.
        weights = np.repeat([1.0, 1.0, 1e-9], [wrong.sum(), wrong.sum(), len(labels)])
        costs = np.bincount(np.searchsorted(classes, mistaken), weights, len(classes))
        kept = np.sort(classes[np.argsort(-costs, kind="stable")[:most]])
    inside = np.isin(labels, kept) & np.isin(predicted, kept)
    counts = np.zeros((len(kept), len(kept)), np.int64)
    rows, columns = (np.searchsorted(kept, of[inside]) for of in (labels, predicted))
    np.add.at(counts, (rows, columns), 1)
    return Confusion(kept, counts, len(classes) - len(kept))


def class_levels(record: SampleRecord) -> list[ClassLevel]:
    """Return share right and mean loss of each class, by id; masked samples are left out.

    Args:
        record: the samples of one epoch.
    """
    labels = _labels(record)
    if labels is None:
        return []
    counted = _counted(record)
    classes, place, samples = np.unique(labels[counted], return_inverse=True, return_counts=True)
    loss = np.bincount(place, record.loss[counted].astype(np.float64)) / samples
    right = None
    if record.correct is not None:
        right = np.bincount(place, record.correct[counted]) / samples
    return [
        ClassLevel(
            int(label), int(samples[i]), None if right is None else float(right[i]), float(loss[i])
        )
        for i, label in enumerate(classes)
    ]


def largest_losses(record: SampleRecord, most: int) -> Places:
    """Return where the largest losses are, the worst first; NaN is worst of all.

    Args:
        record: the samples of one epoch.
        most: so many at most.

    Returns:
        Positions in the validation data, shape `(most,)` or less.
    """
    losses = np.where(_counted(record), np.nan_to_num(record.loss, nan=np.inf), -np.inf)
    return np.argsort(-losses, kind="stable")[:most]


def sample_row(record: SampleRecord, place: int) -> dict[str, Any]:
    """What one epoch made of one sample, as plain values.

    Args:
        record: the samples of one epoch.
        place: position in the validation data, from 0.

    Returns:
        "position", "key" (by which it is recognised in other runs), "loss", "label", "predicted",
        "confidence" and "correct"; None where it is not known.
    """
    samples = record.samples
    columns: dict[str, Any] = {
        "label": None if samples is None else samples.labels,
        "predicted": record.predicted,
        "confidence": record.confidence,
        "correct": record.correct,
    }
    values = {name: None if of is None else of[place].item() for name, of in columns.items()}
    if values["confidence"] is not None and math.isnan(values["confidence"]):
        values["confidence"] = None
    key = None if samples is None else f"{samples.keys[place]:016x}"
    return {"position": place, "key": key, "loss": record.loss[place].item()} | values


def _labels(record: SampleRecord) -> Ints | None:
    return None if record.samples is None else record.samples.labels


def _counted(record: SampleRecord) -> npt.NDArray[np.bool_]:
    weights = None if record.samples is None else record.samples.weights
    return np.ones(len(record.loss), np.bool_) if weights is None else weights != 0
