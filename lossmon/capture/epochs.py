"""Add up the batches of one epoch, and judge what Keras printed for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.chunk import Chunk, Floats
from lossmon.capture.epoch_facts import EpochGathering
from lossmon.capture.epoch_labels import EpochLabels
from lossmon.capture.explain import ExplainedEpoch
from lossmon.capture.judged import Judged, Recomputed
from lossmon.capture.label_counts import LabelCounts
from lossmon.capture.reconcile import reconcile
from lossmon.capture.recorder import EpochItem
from lossmon.capture.verify import VERIFIED, Verdict, compare, worst
from lossmon.records import EpochRecord, MetricSpec, Split
from lossmon.rules import ClippedFacts, counted_guesses

_EPS = float(np.finfo(np.float32).eps)
_OWN_MEAN = "the printed loss of the epoch is not the mean of the losses that its steps had"
_EQUAL_BATCHES = "Keras weighs every batch the same in what it prints, whatever its size"


class WeightedMean:
    """A mean over steps."""

    def __init__(self) -> None:
        self.total = 0.0
        self.weight = 0.0

    def add(self, values: Floats | None, weights: Floats) -> None:
        """Add some values, `(K,)`; None adds nothing."""
        if values is None:
            return
        if not weights.all():  # what counts for nothing must not spoil the mean, finite or not
            counted = weights != 0.0
            values, weights = values[counted], weights[counted]
        self.total += float((values * weights).sum())
        self.weight += float(weights.sum())

    @property
    def value(self) -> float | None:
        """The mean; None where nothing was added."""
        return self.total / self.weight if self.weight else None


class RunningMean:
    """Keras' own running mean, float32 step by step: what rounding alone makes of the true mean."""

    def __init__(self) -> None:
        self._total: Any = np.float32(0)
        self._count: Any = np.float32(0)
        self._known = True

    def add(self, values: Floats | None, weights: Floats) -> None:
        """Add some steps' values with the weights that Keras gives them, `(K,)`."""
        if values is None:
            self._known = False
            return
        with np.errstate(over="ignore", invalid="ignore"):
            singles = weights.astype(np.float32)
            self._total = _accumulated(self._total, values.astype(np.float32) * singles)
            self._count = _accumulated(self._count, singles)

    @property
    def value(self) -> float | None:
        """What Keras' mean shows now; None where a step is missing."""
        return float(self._total / self._count) if self._known and self._count else None


def _accumulated(start: Any, terms: NDArray[Any]) -> Any:
    """The sum, term by term, without the pairwise order that `sum` would use."""
    return np.add.accumulate(np.concatenate(([start], terms)), dtype=np.float32)[-1]


class EpochTotals:
    """The sums over one epoch of one split and output.

    Args:
        first: its first steps, which say which epoch and split it is.
        output: the output's name, None for the model as a whole.
        loss_key: the key that Keras prints its loss under.
        accuracy_metric: what its accuracy is; None where it has none.
        training_layers: kinds of layers that act differently in training.
        trainable: whether the model has any weights that training may change.
        labels: adds up its labels; None for the model as a whole.
    """

    def __init__(
        self,
        first: Chunk,
        output: str | None,
        *,
        loss_key: str,
        accuracy_metric: MetricSpec | None,
        training_layers: Sequence[str],
        trainable: bool = True,
        labels: EpochLabels | None = None,
    ) -> None:
        self._split: Split = first.split
        self._output = output
        # Keras prints the model's loss with the penalty in it, and outputs' losses without.
        self._with_penalty = loss_key == "loss"
        self._loss_key = loss_key
        self._accuracy_key = None if accuracy_metric is None else accuracy_metric.key
        self._guesses = 1 if accuracy_metric is None else max(counted_guesses(accuracy_metric), 1)
        self._batches = self._untapped = self._covered_batches = 0
        self._n = self._covered = self._absent = self._nonfinite = 0.0
        self._weight = self._seconds = 0.0
        self._loss, self._recomputed = WeightedMean(), WeightedMean()
        self._best_known = WeightedMean()
        self._penalty, self._running = WeightedMean(), RunningMean()
        self._intended, self._tolerance = WeightedMean(), WeightedMean()
        self._printed, self._exact = WeightedMean(), WeightedMean()
        self._keras_total = self._keras_count = 0.0
        self._keras_accuracy_known = True
        self._recomputed_total = self._accuracy_tolerance = self._covered_count = 0.0
        self._covered_keras_total = 0.0
        self._explained = ExplainedEpoch()
        self._gathering = EpochGathering(
            accuracy_metric,
            training_layers,
            penalty_printed=self._with_penalty,
            trainable=trainable,
        )
        self._labels = labels or EpochLabels(None, 1.0)
        self._weighted = False
        self._learning_rate: float | None = None
        self._verdict: Verdict = VERIFIED
        self._unseen: Verdict = VERIFIED

    def add(self, judged: Judged) -> None:
        """Add some steps."""
        chunk = judged.chunk
        self._batches += len(chunk)
        self._untapped += 0 if chunk.tapped else len(chunk)
        samples = float(judged.n.sum())
        self._n += samples
        self._absent += samples * (chunk.stands_for - 1)
        self._weight += float(judged.weight.sum())
        self._seconds += sum(place.seconds for place in chunk.places)
        rates = chunk.scalars.get("learning_rate")
        self._learning_rate = None if rates is None else float(rates[-1])
        self._loss.add(judged.loss, judged.n)
        self._best_known.add(_best_known(judged), judged.n)
        self._penalty.add(judged.penalty, judged.n)
        self._running.add(judged.total_loss, judged.printed_weight)
        self._exact.add(judged.total_loss, judged.printed_weight)
        self._gathering.add(judged)
        self._weighted |= judged.weighted
        self._add_accuracy(judged)
        self._add_printed(judged)
        seen = judged.seen
        if judged.recomputed is not None:
            self._covered += float(judged.n[seen].sum())
            self._covered_batches += int(np.count_nonzero(seen))
            self._add_recomputed(judged, judged.recomputed)
        # Each verdict once: those of many steps are the same.
        for verdict, recomputed in dict.fromkeys(zip(judged.verdicts, seen.tolist(), strict=True)):
            if verdict is not VERIFIED:
                self._take(verdict, asked=recomputed or judged.failed)

    def _take(self, verdict: Verdict, *, asked: bool) -> None:
        if asked:
            self._verdict = worst(self._verdict, verdict)
        else:
            self._unseen = worst(self._unseen, verdict)

    def _add_accuracy(self, judged: Judged) -> None:
        if judged.accuracy_total is None or judged.accuracy_count is None:
            self._keras_accuracy_known = False
            return
        self._keras_total += float(judged.accuracy_total.sum())
        self._keras_count += float(judged.accuracy_count.sum())

    def _add_printed(self, judged: Judged) -> None:
        """What Keras' running mean should show: recomputed where that was done, else its own."""
        if judged.total_loss is None:
            return
        printed, found = judged.total_loss, judged.recomputed
        if found is not None and found.loss is not None and judged.penalty is not None:
            penalty = (
                judged.penalty[found.rows] if self._with_penalty else np.zeros(len(found.rows))
            )
            # Of an infinite total nobody can say what the penalty was.
            known = ~np.isnan(penalty)
            printed = printed.copy()
            printed[found.rows[known]] = (found.loss + penalty)[known]
        self._printed.add(printed, judged.printed_weight)

    def _add_recomputed(self, judged: Judged, found: Recomputed) -> None:
        rows = found.rows
        n, weight = judged.n[rows], judged.printed_weight[rows]
        self._nonfinite += float(found.nonfinite.sum())
        self._recomputed.add(found.loss, n)
        self._tolerance.add(found.loss_tolerance, weight)
        self._intended.add(found.intended_accuracy, n)
        self._labels.add(found)
        if found.accuracy_total is not None and found.accuracy_count is not None:
            self._recomputed_total += float(found.accuracy_total.sum())
            self._covered_count += float(found.accuracy_count.sum())
            if judged.accuracy_total is not None:
                self._covered_keras_total += float(judged.accuracy_total[rows].sum())
        if found.accuracy_tolerance is not None:
            self._accuracy_tolerance += float(found.accuracy_tolerance.sum())
        if found.explanation is not None:
            self._explained.add(found.explanation, found.classes)

    @property
    def label_counts(self) -> LabelCounts | None:
        """The labels of the epoch; None where they are not known, or weigh differently."""
        return None if self._weighted else self._labels.counts

    def close(
        self, item: EpochItem, *, misread: bool, trained: LabelCounts | None = None
    ) -> EpochRecord:
        """The epoch's record, judged against what Keras printed.

        Args:
            item: what Keras printed, and when.
            misread: whether another accuracy was meant than the printed one.
            trained: the `label_counts` of the training in the same epoch.
        """
        prefix = "val_" if self._split == "val" else ""
        reported = _of_split(item.logs, self._split)
        record = EpochRecord(
            epoch=item.epoch,
            split=self._split,
            output=self._output,
            time=item.time,
            step=item.step,
            batches=self._batches,
            n=int(self._n),
            weight=self._weight,
            reported_loss=item.logs.get(prefix + self._loss_key),
            loss=self._loss.value,
            recomputed_loss=self._recomputed_loss(),
            penalty=self._penalty.value,
            nonfinite=int(self._nonfinite),
            learning_rate=self._learning_rate,
            seconds=self._seconds,
            coverage=self._coverage(),
            reported=reported,
        )
        self._close_accuracy(record, item, prefix)
        self._explained.close(record)
        guesses = 1 if misread else self._guesses
        self._labels.close(record, weighted=self._weighted, trained=trained, guesses=guesses)
        if misread:
            record.intended_accuracy = self._intended.value
        else:
            record.intended_exact_match = None
        self._judge(record)
        if record.split == "train":
            record.audited_loss = item.audited.get(self._loss_key)
            record.audited_accuracy = item.audited.get(self._accuracy_key or "")
        record.reconciliation = reconcile(record, self._gathering.facts())
        return record

    def clipped(self, epoch: int) -> ClippedFacts | None:
        """The epoch's losses at the cap of clipped probabilities, where there is one."""
        return self._labels.clipped(epoch, self._split, self._output)

    def _coverage(self) -> float:
        """Share of samples that were recomputed; batches that never came out count as missing."""
        if self._untapped:  # whose number of samples nobody knows
            return self._covered_batches / self._batches
        return self._covered / (self._n + self._absent) if self._n else 0.0

    def _close_accuracy(self, record: EpochRecord, item: EpochItem, prefix: str) -> None:
        if self._accuracy_key is None:
            return
        record.reported_accuracy = item.logs.get(prefix + self._accuracy_key)
        if self._keras_count:
            record.accuracy = self._keras_total / self._keras_count
        if self._covered_count:
            record.recomputed_accuracy = self._recomputed_accuracy()

    def _recomputed_loss(self) -> float | None:
        """With Keras' own values of the steps that were left out, where they are known."""
        recomputed = self._recomputed
        whole = recomputed.value is not None and self._loss.weight >= recomputed.weight
        return self._best_known.value if whole else recomputed.value

    def _recomputed_accuracy(self) -> float:
        """Likewise."""
        rest = self._keras_count - self._covered_count
        if not self._keras_accuracy_known or rest < 0:
            return self._recomputed_total / self._covered_count
        left_out = self._keras_total - self._covered_keras_total
        return (self._recomputed_total + (left_out if rest else 0.0)) / (self._covered_count + rest)

    def _judge(self, record: EpochRecord) -> None:
        # Steps that were left out lower the coverage; they are no fault where others were not.
        found = self._verdict if self._covered else worst(self._verdict, self._unseen)
        verdict = worst(found, self._judge_loss(record), self._judge_accuracy(record))
        if verdict.status == "verified" and verdict.reason is None and record.coverage < 1.0:
            verdict = Verdict("verified", f"on {record.coverage:.1%} of the samples")
        record.status, record.reason = verdict

    def _judge_loss(self, record: EpochRecord) -> Verdict:
        if record.reported_loss is None or record.recomputed_loss is None:
            return VERIFIED
        printed = self._printed.value
        if self._absent or printed is None:
            return VERIFIED
        tolerance = self._loss_tolerance(printed)
        verdict = compare("loss of the epoch", record.reported_loss, printed, tolerance)
        if record.penalty is None:
            # Steps of the user's own may print what they like: no fault, but not verified either.
            return VERIFIED if verdict.status == "verified" else Verdict("unverified", _OWN_MEAN)
        if record.coverage < 1.0:
            return verdict
        span = record.recomputed_loss + (record.penalty if self._with_penalty else 0.0)
        record.loss_gap = record.reported_loss - span
        if verdict.status == "verified" and abs(printed - span) > tolerance:
            return Verdict("verified", _EQUAL_BATCHES)
        return verdict

    def _loss_tolerance(self, printed: float) -> float:
        """What the steps' rounding and Keras' own float32 running mean account for."""
        running, exact = self._running.value, self._exact.value
        drift = 0.0 if running is None or exact is None else abs(running - exact)
        if not math.isfinite(drift):
            drift = 0.0
        return (self._tolerance.value or 0.0) + drift + 4 * _EPS * abs(printed)

    def _judge_accuracy(self, record: EpochRecord) -> Verdict:
        if record.reported_accuracy is None or record.recomputed_accuracy is None:
            return VERIFIED
        if self._absent or not self._keras_accuracy_known or not self._keras_count:
            return VERIFIED
        expected = self._keras_total / self._keras_count
        if record.coverage == 1.0:
            expected = record.recomputed_accuracy
            record.accuracy_gap = record.reported_accuracy - expected
        tolerance = self._accuracy_tolerance / self._keras_count + 4 * _EPS
        return compare("accuracy of the epoch", record.reported_accuracy, expected, tolerance)


def _best_known(judged: Judged) -> Floats | None:
    """The loss of each step: recomputed where that was done, else Keras' own."""
    found = judged.recomputed
    if judged.loss is None or found is None or found.loss is None:
        return judged.loss
    known = judged.loss.copy()
    known[found.rows] = found.loss
    return known


def _of_split(logs: dict[str, float], split: str) -> dict[str, Any]:
    if split == "val":
        return {key.removeprefix("val_"): v for key, v in logs.items() if key.startswith("val_")}
    return {key: value for key, value in logs.items() if not key.startswith("val_")}
