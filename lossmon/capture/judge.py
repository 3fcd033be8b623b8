"""Turn the steps and epochs of one run into records, on the writer thread alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossmon.capture.epochs import EpochTotals
from lossmon.capture.judged import Judged
from lossmon.capture.output_judge import OutputJudge
from lossmon.capture.plan import Plan
from lossmon.capture.recorder import EpochItem, Records, StepItem
from lossmon.capture.tapped import StepValues, read, scalar_logs
from lossmon.capture.verify import VERIFIED, Verdict, worst
from lossmon.capture.watch import Watch
from lossmon.records import BatchRecord, Split


class RunJudge:
    """Judges the steps and epochs of one run.

    Args:
        plan: what is judged on each output.
        watch: asks the rules as results come in.
    """

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self._plan = plan
        self._watch = watch
        self._totals: dict[tuple[Split, str | None], EpochTotals] = {}
        self._outputs = [
            OutputJudge(plan, index)
            for index, output in enumerate(plan.outputs)
            if output.loss is not None or output.accuracy_metric is not None
        ]

    def step(self, item: StepItem) -> Records:
        """Judge one step: a record per output, and one for the whole where there are several."""
        values = read(item.values, self._plan.accuracy_positions)
        logs = scalar_logs(item.values.logs)
        rows = [
            judge.judge(_blank(item, values), item.values, values, logs) for judge in self._outputs
        ]
        if len(self._plan.outputs) != 1 or not rows:
            rows.append(self._whole(_blank(item, values), values, logs, rows))
        for row in rows:
            self._totals_of(row).add(row)
        batches = [row.record for row in rows]
        records = Records(batches=batches)
        records.extend(self._watch.see(item, values, batches))
        return records

    def epoch(self, item: EpochItem) -> Records:
        """Close the epoch: a record for each split and output, and what the rules say now."""
        ended, self._totals = self._totals, {}
        epochs = [totals.close(item) for totals in ended.values()]
        records = Records(epochs=epochs)
        records.extend(self._watch.close(epochs))
        return records

    def _totals_of(self, row: Judged) -> EpochTotals:
        key = (row.record.split, row.record.output)
        if key not in self._totals:
            judge = next((j for j in self._outputs if j.output.name == row.record.output), None)
            metric = None if judge is None else judge.output.accuracy_metric
            self._totals[key] = EpochTotals(
                row.record,
                loss_key="loss" if judge is None else judge.loss_key,
                accuracy_metric=metric,
                steps_per_call=self._plan.steps_per_call,
                training_layers=self._plan.training_layers,
            )
        return self._totals[key]

    def _whole(
        self,
        record: BatchRecord,
        values: StepValues,
        logs: dict[str, float],
        rows: Sequence[Judged],
    ) -> Judged:
        """The weighted total of several outputs, or what there is where nothing is judged."""
        record.reported_loss = logs.get("loss")
        record.penalty = self._plan.penalty(values)
        data = self._plan.data_loss(values)
        record.loss = values.total_loss if data is None else data
        whole = Judged(
            record,
            total_loss=values.total_loss,
            printed_weight=float(values.size or 0),
            seen=bool(rows) and all(row.seen for row in rows),
        )
        if not rows:
            reason = self._plan.why_unseen() or self._plan.nothing_compiled()
            record.status, record.reason = "unverified", reason
            return whole
        verdicts = [Verdict(row.record.status, row.record.reason) for row in rows]
        record.status, record.reason = worst(VERIFIED, *verdicts)
        weights = {o.name: o.loss_weight for o in self._plan.outputs if o.loss is not None}
        parts = [(_weight(weights[row.record.output]), row) for row in rows if row.has_loss]
        if all(row.record.recomputed_loss is not None for _, row in parts):
            record.recomputed_loss = math.fsum(
                weight * (row.record.recomputed_loss or 0.0) for weight, row in parts
            )
            whole.loss_tolerance = math.fsum(
                abs(weight) * row.loss_tolerance for weight, row in parts
            )
        return whole


def _weight(loss_weight: float | None) -> float:
    return 1.0 if loss_weight is None else loss_weight


def _blank(item: StepItem, values: StepValues) -> BatchRecord:
    size = values.size or 0
    return BatchRecord(
        step=item.step,
        epoch=item.epoch,
        batch=item.batch,
        split=item.values.split,
        output=None,
        time=item.values.started,
        n=size,
        weight=float(size),
        learning_rate=values.learning_rate,
        seconds=item.values.seconds,
    )
