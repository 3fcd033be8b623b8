"""What the best constant answer would reach on the same labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossmon.records import EpochRecord, LossSpec
from lossmon.rules.epochs import records_of, samples_of
from lossmon.rules.facts import Facts, LabelKind, OutputFacts
from lossmon.rules.families import BINARY_LOSSES, CATEGORICAL_LOSSES, SPARSE_LOSSES
from lossmon.rules.series import Series
from lossmon.rules.trend import Floats

_COUNTED_LOSSES = BINARY_LOSSES | CATEGORICAL_LOSSES | SPARSE_LOSSES
# Labels whose counts by class say all there is to know of them.
_COUNTED_KINDS: tuple[LabelKind, ...] = ("class_ids", "binary", "one_hot", "multi_hot")
# Share of the epoch's targets that must have been seen for their variance to be taken as known.
_ENOUGH_SEEN = 0.5
# Part of the constant's loss above which there is no gain to speak of.
AS_BAD = 0.95
# Share of one class from which on predicting nothing else proves nothing.
DOMINANT = 0.9


class Baseline(NamedTuple):
    """The best constant answer.

    Attributes:
        loss: its loss, in the unit of the output's loss.
        accuracy: its accuracy, the share of the most frequent class; None of real targets.
        name: how to call it in a sentence.
    """

    loss: float
    accuracy: float | None
    name: str


def baseline(output: OutputFacts, record: EpochRecord) -> Baseline | None:
    """The best constant answer to the labels of one epoch.

    For cross-entropies it is the entropy of the class shares, after label smoothing; for the mean
    squared error on train it is the variance of the targets. Of several labels or columns the
    shares and variances are those of all together, which no better constant exceeds.

    Returns:
        None where weights, masks, soft labels or another loss make the two incomparable.
    """
    loss = output.loss
    if loss is None or output.weighted or loss.config.get("ignore_class") is not None:
        return None
    if loss.name == "mean_squared_error" and record.split == "train":
        return _constant_mean(output, record)
    shares = class_shares(record)
    if loss.name not in _COUNTED_LOSSES or output.label_kind not in _COUNTED_KINDS:
        return None
    if shares is None or np.count_nonzero(shares) < 2:
        return None
    smoothed = _smoothed(shares, loss)
    entropy = float(-(smoothed * np.log(smoothed, where=smoothed > 0, out=smoothed * 0)).sum())
    return Baseline(entropy, float(shares.max()), "the entropy of the labels")


def constant_loss(facts: Facts, output: OutputFacts, series: Series) -> float | None:
    """The loss of the best constant answer to the labels of a series' last epoch."""
    best = baseline(output, records_of(facts, output, series.split)[-1])
    return None if best is None else best.loss


def above_constant(
    facts: Facts, output: OutputFacts, series: Series, *, at_least: float = 1.0
) -> bool:
    """Whether a loss lies above that of the best constant answer in every epoch of a series.

    Args:
        facts: what is known of the run.
        output: the output that the loss belongs to.
        series: its loss.
        at_least: part of the constant's loss that is compared with.
    """
    records = {record.epoch: record for record in records_of(facts, output, series.split)}
    for epoch, value in zip(series.epochs, series.values, strict=True):
        best = baseline(output, records[epoch])
        if best is None or value < at_least * best.loss:
            return False
    return bool(len(series))


def lead_over(output: OutputFacts, record: EpochRecord) -> float | None:
    """By how much an epoch's accuracy exceeds the constant's; None where either is not known."""
    best = baseline(output, record)
    if best is None or best.accuracy is None or record.correct is None or not record.judged:
        return None
    return record.correct / record.judged - best.accuracy


def class_shares(record: EpochRecord) -> Floats | None:
    """Share of each class among the labels of an epoch."""
    counts = np.array([row["count"] for row in record.class_counts or ()], float)
    return counts / counts.sum() if counts.sum() else None


def _smoothed(shares: Floats, loss: LossSpec) -> Floats:
    smoothing = float(loss.config.get("label_smoothing") or 0.0)
    return shares * (1 - smoothing) + smoothing / len(shares)


def _constant_mean(output: OutputFacts, record: EpochRecord) -> Baseline | None:
    labels = output.labels
    if labels is None or not labels.variance or labels.nonfinite or output.masked:
        return None
    if labels.samples < _ENOUGH_SEEN * samples_of(record):
        return None
    return Baseline(labels.variance, None, "the variance of the targets")
