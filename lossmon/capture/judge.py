"""Turn the steps and epochs of one run into records, on the writer thread alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lossmon.capture.budget import Budget
from lossmon.capture.chunk import CallItem, Chunk
from lossmon.capture.epochs import EpochTotals
from lossmon.capture.judged import Judged, Recomputed
from lossmon.capture.other_metrics import OtherMetrics
from lossmon.capture.output_judge import OneByOne, OutputJudge
from lossmon.capture.plan import Plan
from lossmon.capture.planning import loss_keys
from lossmon.capture.reader import Reader
from lossmon.capture.recorder import EpochItem
from lossmon.capture.resolve import ResolvedOutput
from lossmon.capture.samples import SampleGathering
from lossmon.capture.verify import SAMPLED, Verdict, worst_each
from lossmon.capture.watch import Watch
from lossmon.records import Split
from lossmon.store import Records

_BEHIND = "not recomputed: the writer thread had fallen behind"


class RunJudge:
    """Judges the steps and epochs of one run.

    Args:
        plan: what is judged on each output.
        watch: asks the rules as results come in.
        reader: reads what the steps sent.
        budget: says which steps to recompute.
        samples: gathers validation samples; None where they are not to be recorded.
        resolved: gives the outputs as Keras resolved them in the first step.
    """

    def __init__(
        self,
        plan: Plan,
        watch: Watch,
        reader: Reader,
        budget: Budget,
        *,
        samples: SampleGathering | None = None,
        resolved: Callable[[], Sequence[ResolvedOutput] | None] = lambda: None,
    ) -> None:
        self._resolved = resolved
        self._is_settled = False
        self._reader = reader
        self._budget = budget
        self._plan = plan
        self._watch = watch
        self._samples = samples
        self._totals: dict[tuple[Split, str | None], EpochTotals] = {}
        self._others: dict[Split, OtherMetrics] = {}
        self._out_of_time = plan.one_by_one
        self._let_out = plan.at_once
        self._outputs = self._judges()

    def _judges(self) -> list[OutputJudge]:
        return [
            OutputJudge(self._plan, index)
            for index in range(len(self._plan.outputs))
            if self._plan.has_loss_or_accuracy(index) or self._plan.has_metrics_alone(index)
        ]

    @property
    def step_bytes(self) -> int:
        """Size of the tensors of a step, as far as is known; 0 before."""
        return self._reader.step_bytes

    def calls(self, items: Sequence[CallItem], *, hurried: bool = False) -> Records:
        """Judge calls: records per output, and for the whole where there are several.

        Args:
            items: calls in order.
            hurried: whether to leave labels and predictions, for want of time.
        """
        records = self._settle()
        for chunk in self._reader.read(items, tensors=not hurried):
            seconds = sum(place.seconds for place in chunk.places)
            self._budget.earn(seconds)
            if self._samples is not None:
                self._samples.earn(seconds)
            records.extend(self._judge(chunk))
        if self._plan.at_once:
            # Also after steps outside of the run, which may have taken what was let out.
            self._let_more_out({item.call.split for item in items})
        return records

    @property
    def let_out(self) -> int:
        """Of how many steps tensors leave until some are judged; 0 where of all, or of none."""
        return self._let_out

    def _settle(self) -> Records:
        """Once there was a step, go by what Keras made of losses and metrics in it."""
        if self._is_settled:
            return Records()
        self._is_settled = True
        found = self._resolved() or ()
        if not found or not self._plan.settle([o.record for o in found], loss_keys(found)):
            return Records()
        self._outputs = self._judges()
        records = self._watch.settle(self._plan.outputs)
        records.outputs = list(self._plan.outputs)
        return records

    def _let_more_out(self, splits: set[Split]) -> None:
        """Let the tensors of as many of the next steps out as can be recomputed."""
        steps = self._let_out = self._budget.afford(self._plan.at_once)
        self._out_of_time = self._plan.one_by_one or steps < self._plan.at_once
        gathers = self._samples is not None and self._samples.gathers
        for split in splits:
            whole = split == "val" and gathers and not self._plan.one_by_one
            granted = self._plan.at_once if whole else steps
            self._let_out = max(self._let_out, granted)
            self._reader.channels[split].carry(float(granted))

    def epoch(self, item: EpochItem) -> Records:
        """Close the epoch: a record for each split and output, and what the rules say of it."""
        ended, self._totals = self._totals, {}
        others, self._others = self._others, {}
        self._watch.speak_of_labels()
        misread = self._plan.misread
        trained = {
            output: totals.label_counts
            for (split, output), totals in ended.items()
            if split == "train"
        }
        epochs = [
            totals.close(item, misread=output in misread, trained=trained.get(output))
            for (_, output), totals in ended.items()
        ]
        for record in epochs:
            if record.split in others:
                others[record.split].close(record)
        samples = [] if self._samples is None else self._samples.close(epochs)
        records = Records(epochs=epochs, samples=samples)
        clipped = (totals.clipped(item.epoch) for totals in ended.values())
        records.extend(self._watch.close(epochs, [facts for facts in clipped if facts is not None]))
        records.outputs = self._plan.begin_epoch()
        return records

    def catch_up(self) -> Records:
        """What the rules say of short epochs that they were not asked about at once."""
        return self._watch.catch_up()

    def end(self, *, finished: bool) -> Records:
        """What the rules say at the end of the run."""
        if self._samples is not None:
            self._samples.give_up()
        return self._watch.end(finished=finished)

    def _judge(self, chunk: Chunk) -> Records:
        try:
            rows = self._judge_outputs(chunk)
        except OneByOne:
            records = Records()
            for alone in chunk.one_by_one():
                records.extend(self._judge(alone))
            return records
        for row in rows:
            self._totals_of(row).add(row)
        batches = [record for row in rows if row.has_values for record in row.records()]
        records = Records(batches=batches)
        records.extend(self._watch.see(chunk, batches))
        return records

    def _judge_outputs(self, chunk: Chunk) -> list[Judged]:
        reading = self._reader.spent()
        if self._samples is not None and self._samples.wants(chunk):
            with self._samples.spend():
                rows = self._recompute(chunk, np.arange(len(chunk)))
                self._samples.add(chunk, rows)
            return rows
        if self._plan.at_once:
            self._budget.owe(reading)
        else:
            self._budget.pay(reading)
        chosen = self._choose(chunk)
        with self._budget.spend(len(chosen)):
            return self._recompute(chunk, chosen)

    def _recompute(self, chunk: Chunk, chosen: NDArray[np.int64]) -> list[Judged]:
        why_not = self._why_not(chunk)
        rows = [judge.judge(chunk, chosen, why_not) for judge in self._outputs]
        if len(self._plan.outputs) != 1 or not rows:
            rows.append(self._whole(chunk, rows))
        if any(row.recomputed is not None for row in rows):
            self._others_of(chunk.split).add(chunk, chosen)
        return rows

    def _choose(self, chunk: Chunk) -> NDArray[np.int64]:
        """Which steps to recompute; all where they were sampled before they came out."""
        if not chunk.outputs or self._plan.at_once:
            return np.arange(len(chunk) if chunk.outputs else 0)
        return self._budget.choose(len(chunk), of=(chunk.split, chunk.epoch))

    def _why_not(self, chunk: Chunk) -> str | None:
        reason = self._plan.why_unseen()
        if reason is None and not chunk.tapped:
            reason = "the step does not call compute_metrics"
        if reason is None and (chunk.outputs or (self._plan.at_once and self._out_of_time)):
            return SAMPLED
        return _BEHIND if reason is None and chunk.withheld else reason

    def _others_of(self, split: Split) -> OtherMetrics:
        if split not in self._others:
            self._others[split] = OtherMetrics(self._plan)
        return self._others[split]

    def _totals_of(self, row: Judged) -> EpochTotals:
        key = (row.chunk.split, row.output)
        if key not in self._totals:
            judge = next((j for j in self._outputs if j.output.name == row.output), None)
            metric = None if judge is None else judge.output.accuracy_metric
            self._totals[key] = EpochTotals(
                row.chunk,
                row.output,
                loss_key="loss" if judge is None else judge.loss_key,
                accuracy_metric=metric,
                training_layers=self._plan.training_layers,
                trainable=self._plan.trainable,
                labels=None if judge is None else judge.labels(),
            )
        return self._totals[key]

    def _whole(self, chunk: Chunk, rows: Sequence[Judged]) -> Judged:
        """The weighted total of several outputs, or what there is where nothing is judged."""
        size, total = chunk.samples, chunk.scalars.get("total")
        data = self._plan.data_loss(chunk)
        whole = Judged(
            chunk,
            None,
            n=size,
            weight=size,
            printed_weight=size,
            loss=data,
            penalty=self._plan.penalty(chunk),
            total_loss=total,
            reported_loss=chunk.log("loss"),
        )
        if whole.loss is None and whole.penalty is None:
            whole.loss = total
        if not rows:
            reason = self._plan.why_unseen() or self._plan.nothing_compiled()
            whole.say_of_all(Verdict("unverified", reason))
            return whole
        if not any(row.has_loss for row in rows):
            whole.say_of_all(Verdict("unverified", self._plan.nothing_compiled()))
            return whole
        whole.verdicts = worst_each(*(row.verdicts for row in rows))
        if all(row.recomputed is not None for row in rows):
            whole.recomputed = self._weighted_sum(rows)
        return whole

    def _weighted_sum(self, rows: Sequence[Judged]) -> Recomputed:
        found = [row.recomputed for row in rows if row.recomputed is not None]
        whole = Recomputed(found[0].rows, np.zeros(len(found[0].rows)))
        weights = {o.name: o.loss_weight for o in self._plan.outputs if o.loss is not None}
        parts = [
            (1.0 if (weight := weights[row.output]) is None else weight, part)
            for row, part in zip(rows, found, strict=True)
            if row.has_loss
        ]
        losses = [weight * part.loss for weight, part in parts if part.loss is not None]
        if parts and len(losses) == len(parts):
            tolerances = [
                abs(weight) * part.loss_tolerance
                for weight, part in parts
                if part.loss_tolerance is not None
            ]
            whole.loss = np.sum(losses, axis=0) + np.zeros(len(whole.rows))
            whole.loss_tolerance = np.sum(tolerances, axis=0) + np.zeros(len(whole.rows))
        return whole
