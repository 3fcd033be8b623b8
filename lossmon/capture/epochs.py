"""Add up the batches of one epoch, and judge what Keras printed for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lossmon.capture.epoch_facts import EpochGathering
from lossmon.capture.explain import ExplainedEpoch
from lossmon.capture.judged import Judged
from lossmon.capture.reconcile import reconcile
from lossmon.capture.recorder import EpochItem
from lossmon.capture.verify import VERIFIED, Verdict, compare, worst
from lossmon.records import BatchRecord, EpochRecord, MetricSpec

_EPS = float(np.finfo(np.float32).eps)
_EQUAL_BATCHES = "Keras weighs every batch the same in what it prints, whatever its size"


class WeightedMean:
    """A mean that knows whether any of its terms was missing."""

    def __init__(self) -> None:
        self.total = 0.0
        self.weight = 0.0

    def add(self, value: float | None, weight: float) -> None:
        """Add one value; None adds nothing."""
        if value is not None and weight:
            self.total += value * weight
            self.weight += weight

    @property
    def value(self) -> float | None:
        """The mean; None where nothing was added."""
        return self.total / self.weight if self.weight else None


class RunningMean:
    """Keras' own running mean, float32 step by step: what rounding alone makes of the true mean."""

    def __init__(self) -> None:
        self._total = np.float32(0)
        self._count = np.float32(0)
        self._known = True

    def add(self, value: float | None, weight: float) -> None:
        """Add one batch value with the weight that Keras gives it."""
        if value is None:
            self._known = False
            return
        with np.errstate(over="ignore", invalid="ignore"):
            self._total += np.float32(value) * np.float32(weight)
            self._count += np.float32(weight)

    @property
    def value(self) -> float | None:
        """What Keras' mean shows now; None where a batch is missing."""
        return float(self._total / self._count) if self._known and self._count else None


class EpochTotals:
    """The sums over one epoch of one split and output.

    Args:
        first: its first batch, which says which epoch, split and output it is.
        loss_key: the key that Keras prints its loss under.
        accuracy_metric: what its accuracy is; None where it has none.
        steps_per_call: batches of which only the last comes out.
        training_layers: kinds of layers that act differently in training.
    """

    def __init__(
        self,
        first: BatchRecord,
        *,
        loss_key: str,
        accuracy_metric: MetricSpec | None,
        steps_per_call: int,
        training_layers: Sequence[str],
    ) -> None:
        self._first = first
        # Keras prints the model's loss with the penalty in it, and outputs' losses without.
        self._with_penalty = loss_key == "loss"
        self._loss_key = loss_key
        self._accuracy_key = None if accuracy_metric is None else accuracy_metric.key
        self._steps_per_call = steps_per_call
        self._n = self._covered = self._batches = self._nonfinite = 0
        self._weight = self._seconds = 0.0
        self._loss, self._recomputed = WeightedMean(), WeightedMean()
        self._penalty, self._running = WeightedMean(), RunningMean()
        self._intended, self._tolerance = WeightedMean(), WeightedMean()
        self._printed, self._exact = WeightedMean(), WeightedMean()
        self._keras_total = self._keras_count = 0.0
        self._recomputed_total = self._accuracy_tolerance = self._covered_count = 0.0
        self._explained = ExplainedEpoch()
        self._gathering = EpochGathering(
            accuracy_metric, training_layers, penalty_printed=self._with_penalty
        )
        self._learning_rate: float | None = None
        self._verdict: Verdict = VERIFIED

    def add(self, row: Judged) -> None:
        """Add one batch."""
        record = row.record
        self._batches += 1
        self._n += record.n
        self._weight += record.weight
        self._nonfinite += record.nonfinite
        self._seconds += record.seconds or 0.0
        self._learning_rate = record.learning_rate
        self._loss.add(record.loss, record.n)
        self._penalty.add(record.penalty, record.n)
        self._running.add(row.total_loss, row.printed_weight)
        self._keras_total += row.accuracy_total
        self._keras_count += row.accuracy_count
        self._gathering.add(row)
        if row.seen:
            self._covered += record.n
            self._add_recomputed(row)
        self._verdict = worst(self._verdict, Verdict(record.status, record.reason))

    def _add_recomputed(self, row: Judged) -> None:
        record = row.record
        self._recomputed.add(record.recomputed_loss, record.n)
        self._tolerance.add(row.loss_tolerance, row.printed_weight)
        self._exact.add(row.total_loss, row.printed_weight)
        if record.recomputed_loss is not None and record.penalty is not None:
            penalty = record.penalty if self._with_penalty else 0.0
            self._printed.add(record.recomputed_loss + penalty, row.printed_weight)
        self._intended.add(record.intended_accuracy, record.n)
        self._recomputed_total += row.recomputed_total
        self._covered_count += row.recomputed_count
        self._accuracy_tolerance += row.accuracy_tolerance
        if row.explanation is not None:
            self._explained.add(row.explanation)

    def close(self, item: EpochItem) -> EpochRecord:
        """The epoch's record, judged against what Keras printed."""
        prefix = "val_" if self._first.split == "val" else ""
        reported = _of_split(item.logs, self._first.split)
        record = EpochRecord(
            epoch=item.epoch,
            split=self._first.split,
            output=self._first.output,
            time=item.time,
            step=item.step,
            batches=self._batches,
            n=self._n,
            weight=self._weight,
            reported_loss=item.logs.get(prefix + self._loss_key),
            loss=self._loss.value,
            recomputed_loss=self._recomputed.value,
            penalty=self._penalty.value,
            nonfinite=self._nonfinite,
            learning_rate=self._learning_rate,
            seconds=self._seconds,
            coverage=self._coverage(),
            reported=reported,
        )
        self._close_accuracy(record, item, prefix)
        self._explained.close(record)
        self._judge(record)
        if record.split == "train":
            record.audited_loss = item.audited.get(self._loss_key)
            record.audited_accuracy = item.audited.get(self._accuracy_key or "")
        record.reconciliation = reconcile(record, self._gathering.facts())
        return record

    def _coverage(self) -> float:
        """Share of samples that were recomputed; batches that never came out count as missing."""
        return self._covered / (self._n * self._steps_per_call) if self._n else 0.0

    def _close_accuracy(self, record: EpochRecord, item: EpochItem, prefix: str) -> None:
        if self._accuracy_key is None:
            return
        record.reported_accuracy = item.logs.get(prefix + self._accuracy_key)
        if self._keras_count:
            record.accuracy = self._keras_total / self._keras_count
        if self._covered_count:
            record.recomputed_accuracy = self._recomputed_total / self._covered_count
        record.intended_accuracy = self._intended.value

    def _judge(self, record: EpochRecord) -> None:
        verdict = worst(self._verdict, self._judge_loss(record), self._judge_accuracy(record))
        if verdict.status == "verified" and verdict.reason is None and record.coverage < 1.0:
            verdict = Verdict("verified", f"on {record.coverage:.1%} of the samples")
        record.status, record.reason = verdict

    def _judge_loss(self, record: EpochRecord) -> Verdict:
        if record.reported_loss is None or record.recomputed_loss is None:
            return VERIFIED
        if record.coverage < 1.0 or record.penalty is None:
            return VERIFIED
        span = record.recomputed_loss + (record.penalty if self._with_penalty else 0.0)
        record.loss_gap = record.reported_loss - span
        printed = self._printed.value
        if printed is None:
            return VERIFIED
        tolerance = self._loss_tolerance(printed)
        verdict = compare("loss of the epoch", record.reported_loss, printed, tolerance)
        if verdict.status == "verified" and abs(printed - span) > tolerance:
            return Verdict("verified", _EQUAL_BATCHES)
        return verdict

    def _loss_tolerance(self, printed: float) -> float:
        """What the batches' rounding and Keras' own float32 running mean account for."""
        running, exact = self._running.value, self._exact.value
        drift = 0.0 if running is None or exact is None else abs(running - exact)
        if not math.isfinite(drift):
            drift = 0.0
        return (self._tolerance.value or 0.0) + drift + 4 * _EPS * abs(printed)

    def _judge_accuracy(self, record: EpochRecord) -> Verdict:
        if record.reported_accuracy is None or record.recomputed_accuracy is None:
            return VERIFIED
        if record.coverage < 1.0 or not self._keras_count:
            return VERIFIED
        record.accuracy_gap = record.reported_accuracy - record.recomputed_accuracy
        tolerance = self._accuracy_tolerance / self._keras_count + 4 * _EPS
        return compare(
            "accuracy of the epoch", record.reported_accuracy, record.recomputed_accuracy, tolerance
        )


def _of_split(logs: dict[str, float], split: str) -> dict[str, Any]:
    if split == "val":
        return {key.removeprefix("val_"): v for key, v in logs.items() if key.startswith("val_")}
    return {key: value for key, value in logs.items() if not key.startswith("val_")}
