"""Judge one output of a step: Keras' own values beside the recomputed ones, with a verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossmon import recompute
from lossmon.capture.explain import explain, mean_of
from lossmon.capture.judged import Judged
from lossmon.capture.plan import Plan
from lossmon.capture.tap import Step
from lossmon.capture.tapped import OutputValues, StepValues
from lossmon.capture.verify import VERIFIED, Verdict, compare, worst
from lossmon.records import BatchRecord, LossSpec, MetricSpec

_EPS = float(np.finfo(np.float32).eps)


class OutputJudge:
    """Judges one output, step by step.

    Args:
        plan: how the run is judged.
        index: which of the plan's outputs this is.
    """

    def __init__(self, plan: Plan, index: int) -> None:
        self.output = plan.outputs[index]
        self.loss_key = plan.loss_keys[index]
        self._plan = plan
        self._index = index
        # A lone output is the whole model: its loss is what Keras makes of it, weight included.
        lone, weight = self.output.name is None, self.output.loss_weight
        self._scale = weight if lone and weight is not None else 1.0
        # The same loss of the logits that Keras found behind the output.
        loss = self.output.loss
        self._loss_of_logits = loss and replace(loss, config={**loss.config, "from_logits": True})

    def judge(
        self, record: BatchRecord, step: Step, values: StepValues, logs: dict[str, float]
    ) -> Judged:
        """Fill in the record of one step.

        Args:
            record: with its place and what belongs to the whole step.
            step: as the tap brought it out.
            values: the same, read.
            logs: Keras' running means.
        """
        tensors = values.outputs[self._index]
        row = Judged(record, has_loss=self.output.loss is not None)
        record.output = self.output.name
        self._keras_values(row, tensors, values, logs)
        if tensors.y_pred is None or tensors.y_true is None:
            record.status, record.reason = self._unseen(step, values)
            return row
        record.n = len(tensors.y_pred)
        weight = tensors.sample_weight
        record.weight = float(record.n) if weight is None else float(np.sum(weight))
        row.weighted = weight is not None and bool(np.any(weight != 1))
        if tensors.mask is not None:
            row.elements = tensors.mask.size
            row.left_out = row.elements - int(np.count_nonzero(tensors.mask))
        record.nonfinite = int(tensors.y_pred.size - np.isfinite(tensors.y_pred).sum())
        try:
            verdict = worst(self._loss(row, tensors), self._accuracy(row, tensors))
            self._explain(row, tensors)
            row.seen = True
        except Exception as error:  # of a user's definition, most likely: the row must not be lost
            verdict = Verdict("unverified", f"the recomputation failed: {error!r}")
        record.status, record.reason = verdict
        return row

    def _keras_values(
        self, row: Judged, tensors: OutputValues, values: StepValues, logs: dict[str, float]
    ) -> None:
        record = row.record
        record.reported_loss = logs.get(self.loss_key)
        alone = self.loss_key == "loss"
        if self.output.loss is not None:
            own = tensors.loss
            record.loss = self._total(values) if own is None else own * self._scale
            record.penalty = self._plan.penalty(values)
            row.total_loss = values.total_loss if alone else record.loss
            tracked = values.size if alone or tensors.tracked is None else tensors.tracked
            row.printed_weight = float(tracked or 0)
        if self.output.accuracy_metric is not None:
            record.reported_accuracy = logs.get(self.output.accuracy_metric.key)
        state = tensors.accuracy_state
        if state is not None:
            row.accuracy_total = float(state[2]) - float(state[0])
            row.accuracy_count = float(state[3]) - float(state[1])
            if row.accuracy_count:
                record.accuracy = row.accuracy_total / row.accuracy_count

    def _unseen(self, step: Step, values: StepValues) -> Verdict:
        reason = self._plan.why_unseen()
        if reason is None and step.tapped is None:
            reason = "the step does not call compute_metrics"
        if reason is None and values.skipped:
            reason = "not recomputed: the writer thread had fallen behind"
        return Verdict("unverified", reason or "labels and predictions do not come out of the step")

    def _loss(self, row: Judged, tensors: OutputValues) -> Verdict:
        spec, record = self.output.loss, row.record
        if spec is None:
            return VERIFIED
        try:
            found = self._evaluate_loss(spec, tensors)
        except recompute.UnknownDefinition as error:
            return Verdict("unverified", str(error))
        record.recomputed_loss = found.value * self._scale
        row.loss_tolerance = found.tolerance * abs(self._scale)
        row.explanation = explain(spec, tensors, found.elements)
        if record.loss is None:
            return Verdict("unverified", self._why_no_loss())
        own = tensors.loss if tensors.loss is not None else record.loss
        if found.agrees(own):
            return VERIFIED
        verdict = compare("loss", record.loss, record.recomputed_loss, row.loss_tolerance)
        if verdict.status == "mismatch" and self._plan.override is not None:
            return Verdict("unverified", self._why_no_loss())
        return verdict

    def _total(self, values: StepValues) -> float | None:
        """The total, where it is this output's loss."""
        lone = len(self._plan.outputs) == 1
        return values.total_loss if lone and (values.alone or self._plan.override) else None

    def _why_no_loss(self) -> str:
        if self._plan.override is not None:
            return f"{self._plan.override} is overridden: the loss is not the compiled one"
        return "Keras' own loss of the batch cannot be told apart from penalties and other outputs"

    def _evaluate_loss(self, spec: LossSpec, tensors: OutputValues) -> recompute.LossEvaluation:
        assert tensors.y_true is not None
        assert tensors.y_pred is not None
        y_pred = tensors.y_pred
        if tensors.logits is not None and self._loss_of_logits is not None:
            y_pred, spec = tensors.logits, self._loss_of_logits
        return recompute.evaluate_loss(
            spec,
            tensors.y_true,
            y_pred,
            sample_weight=tensors.sample_weight,
            mask=tensors.mask,
            backend=self._plan.backend,
            extra=self._plan.losses,
        )

    def _accuracy(self, row: Judged, tensors: OutputValues) -> Verdict:
        spec, record, state = self.output.accuracy_metric, row.record, tensors.accuracy_state
        if spec is None:
            return VERIFIED
        try:
            found = self._evaluate_metric(spec, tensors)
        except recompute.UnknownDefinition as error:
            return Verdict("unverified", str(error))
        record.recomputed_accuracy = found.value
        row.recomputed_total, row.recomputed_count = found.total, found.count
        if state is None:
            return Verdict("unverified", f"Keras' own {spec.label or spec.name} cannot be read")
        # What came out is a difference of Keras' float32 running totals: add their rounding.
        rounding = _EPS * float(max(abs(state[2]), abs(state[3])))
        row.accuracy_tolerance = found.tolerance * abs(found.count) + rounding
        return worst(
            compare("accuracy's count", row.accuracy_count, found.count, rounding),
            compare("accuracy's total", row.accuracy_total, found.total, row.accuracy_tolerance),
        )

    def _evaluate_metric(self, spec: MetricSpec, tensors: OutputValues) -> recompute.MetricValue:
        assert tensors.y_true is not None
        assert tensors.y_pred is not None
        return recompute.evaluate_metric(
            spec,
            tensors.y_true,
            tensors.y_pred,
            sample_weight=tensors.sample_weight if spec.weighted else None,
            mask=tensors.mask,
            backend=self._plan.backend,
            extra=self._plan.metrics,
        )

    def _explain(self, row: Judged, tensors: OutputValues) -> None:
        """What lies behind loss and accuracy; nothing here is compared with Keras."""
        record, found = row.record, row.explanation
        if self.output.intended_metric is not None:
            record.intended_accuracy = self._evaluate_metric(
                self.output.intended_metric, tensors
            ).value
        if found is None:
            return
        record.correct, record.judged = found.correct, found.judged
        record.confidence = found.confidence
        record.loss_correct, record.loss_wrong = mean_of(found.right), mean_of(found.wrong)
        record.loss_squares = found.loss_squares
