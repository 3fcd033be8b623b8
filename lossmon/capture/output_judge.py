"""Judge one output of K steps: Keras' own values beside the recomputed ones, with a verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.chunk import Array, Chunk, Floats, OutputArrays
from lossmon.capture.clipping import count_clipped
from lossmon.capture.epoch_labels import EpochLabels
from lossmon.capture.explain import classes_of, explain
from lossmon.capture.judged import Judged, Recomputed
from lossmon.capture.label_counts import count_labels, count_matches
from lossmon.capture.plan import Plan
from lossmon.capture.verify import VERIFIED, Verdict, compare_all, worst_each
from lossmon.records import LossSpec, MetricSpec

_EPS = float(np.finfo(np.float32).eps)
_SMALLEST = float(np.finfo(np.float32).tiny)
# Numbers of which a mask may be made at once.
_SLICE = 2**18
_NOT_REDUCED = (
    'under reduction="none" Keras makes no single loss of a batch, and prints a mean over samples'
)
Rows = NDArray[np.int64]


class OneByOne(Exception):
    """Steps that were judged together have to be judged one by one."""


class OutputJudge:
    """Judges one output, some steps at a time.

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

    def labels(self) -> EpochLabels:
        """What adds up the labels of an epoch of this output."""
        return EpochLabels(self.output.loss, self._scale)

    def judge(self, chunk: Chunk, rows: Rows, why_not: str | None) -> Judged:
        """Judge the output in each step of a chunk.

        Args:
            chunk: the steps.
            rows: which of them to recompute.
            why_not: why the others are not.

        Raises:
            OneByOne: some step cannot be recomputed, and it is not known which.
        """
        judged = self._keras_values(chunk)
        tensors = chunk.outputs.get(self._index)
        if tensors is None or tensors.y_pred is None or tensors.y_true is None:
            reason = why_not or "labels and predictions do not come out of the step"
            judged.say_of_all(Verdict("unverified", reason))
            return judged
        judged.n = np.full(len(chunk), float(tensors.y_pred.shape[1]))
        judged.weight = judged.n
        if (weights := tensors.weight_of_loss) is not None:
            flat = weights.reshape(len(chunk), -1)
            judged.weight = np.add.reduce(flat, axis=1, dtype=np.float64)
            judged.weighted = bool(np.any(flat != 1))
        if (mask := tensors.mask_of_loss) is not None:
            judged.elements = mask.size
            judged.left_out = judged.elements - int(np.count_nonzero(mask))
            judged.loss_mask = tensors.mask is None
        judged.say_of_all(Verdict("unverified", why_not))
        if not len(rows):
            return judged
        try:
            self._recompute(judged, tensors if len(rows) == len(chunk) else tensors[rows], rows)
        except OneByOne:
            raise
        except Exception as error:  # of a user's definition, most likely: no row must be lost
            if len(chunk) > 1:
                raise OneByOne from error
            judged.recomputed, judged.failed = None, True
            judged.say_of_all(Verdict("unverified", f"the recomputation failed: {error!r}"))
        return judged

    def _keras_values(self, chunk: Chunk) -> Judged:
        size, scalars = chunk.samples, chunk.scalars
        judged = Judged(
            chunk,
            self.output.name,
            n=size,
            weight=size,
            printed_weight=size,
            has_loss=self.output.loss is not None,
            has_values=not self._plan.has_metrics_alone(self._index),
            reported_loss=chunk.log(self.loss_key),
        )
        if self.output.loss is not None:
            own = scalars.get(f"loss:{self._index}")
            judged.loss = self._total(chunk) if own is None else own * self._scale
            judged.penalty = self._plan.penalty(chunk)
            alone = self.loss_key == "loss"
            judged.total_loss = scalars.get("total") if alone else judged.loss
            tracked = scalars.get(f"tracked:{self._index}")
            judged.printed_weight = size if alone or tracked is None else tracked
        elif self.output.name is None:
            judged.total_loss = scalars.get("total")
            judged.penalty = self._plan.penalty(chunk)
        if self.output.accuracy_metric is not None:
            judged.reported_accuracy = chunk.log(self.output.accuracy_metric.key)
            judged.accuracy_total = self._added(chunk, "total")
            judged.accuracy_count = self._added(chunk, "count")
        return judged

    def _added(self, chunk: Chunk, state: str) -> Floats | None:
        """What the accuracy metric added to a state in each step."""
        after = chunk.scalars.get(f"after_{state}:{self._index}")
        before = chunk.scalars.get(f"before_{state}:{self._index}")
        return None if after is None or before is None else after - before

    def _total(self, chunk: Chunk) -> Floats | None:
        """The total, where it is this output's loss."""
        lone = len(self._plan.outputs) == 1
        own = lone and ("alone" in chunk.scalars or self._plan.override is not None)
        return chunk.scalars.get("total") if own else None

    def _recompute(self, judged: Judged, tensors: OutputArrays, rows: Rows) -> None:
        assert tensors.y_pred is not None
        found = Recomputed(rows, count_nonfinite(tensors.y_pred.reshape(len(rows), -1)))
        losses = self._loss(judged, found, tensors)
        accuracies = self._accuracy(judged, found, tensors)
        verdicts = worst_each(losses, accuracies)
        unrounded = f"unrounded:{self._index}" in judged.chunk.scalars
        if unrounded or (self._plan.xla and tensors.y_pred.dtype.itemsize == 2):
            dtype = "bfloat16" if unrounded else tensors.y_pred.dtype.name
            verdicts = _excuse_precision(found, verdicts, dtype)
        for row, verdict in zip(rows.tolist(), verdicts, strict=True):
            judged.verdicts[row] = verdict
        intended = self._plan.intended(self._index)
        if intended is not None:
            found.intended_accuracy = self._evaluate_metric(intended, tensors).values
            found.matches = count_matches(intended, tensors)
        found.labels = count_labels(self.output.loss, tensors)
        judged.recomputed = found

    def _loss(self, judged: Judged, found: Recomputed, tensors: OutputArrays) -> list[Verdict]:
        spec, count = self.output.loss, len(found.rows)
        if spec is None:
            # A lone output's printed loss is the model's: it comes from add_loss then.
            own = self.output.name is None and judged.reported_loss is not None
            none = Verdict("unverified", self._plan.nothing_compiled())
            return [none if own else VERIFIED] * count
        try:
            losses = self._evaluate_loss(spec, tensors)
        except recompute.UnknownDefinition as error:
            if recompute.has_loss(spec.name, custom=spec.custom, extra=self._plan.losses):
                self._demand_one(count, error)
            return [Verdict("unverified", str(error))] * count
        found.loss = losses.values * self._scale
        found.loss_tolerance = losses.tolerances * abs(self._scale)
        found.explanation = explain(spec, tensors, losses.elements)
        found.classes = classes_of(spec, tensors)
        if judged.chunk.split == "val":
            found.elements, found.scale = losses.elements, self._scale
        found.clipped = count_clipped(spec, tensors, losses.elements)
        if judged.loss is None:
            return [Verdict("unverified", self._why_no_loss(judged.chunk, spec))] * count
        keras = judged.loss[found.rows]
        verdicts = compare_all("loss", keras, found.loss, found.loss_tolerance)
        own = judged.chunk.scalars.get(f"loss:{self._index}")
        agrees = losses.agrees(keras if own is None else own[found.rows])
        return [
            verdict if not well else VERIFIED
            for verdict, well in zip(map(self._excused, verdicts), agrees.tolist(), strict=True)
        ]

    @staticmethod
    def _demand_one(steps: int, error: Exception) -> None:
        """A definition that does not hold for one of many steps may hold for the others."""
        if steps > 1:
            raise OneByOne from error

    def _excused(self, verdict: Verdict) -> Verdict:
        if verdict.status == "mismatch" and self._plan.override is not None:
            return Verdict("unverified", self._overridden())
        return verdict

    def _overridden(self) -> str:
        return f"{self._plan.override} is overridden: the loss is not the compiled one"

    def _why_no_loss(self, chunk: Chunk, spec: LossSpec) -> str:
        if self._plan.override is not None:
            printed = chunk.log(self.loss_key)
            if printed is not None and not printed.any():
                return (
                    f"{self._plan.override} is overridden, and Keras prints a loss of 0: nothing "
                    "adds to its mean, as `self._loss_tracker.update_state(loss)` would"
                )
            return self._overridden()
        # A loss of the user's own may be one number all the same.
        if spec.reduction == "none" and not (spec.custom and "total" in chunk.scalars):
            return _NOT_REDUCED
        return "Keras' own loss of the batch cannot be told apart from penalties and other outputs"

    def _evaluate_loss(self, spec: LossSpec, tensors: OutputArrays) -> recompute.StackedLosses:
        assert tensors.y_true is not None
        assert tensors.y_pred is not None
        y_pred = tensors.y_pred
        if tensors.logits is not None and self._loss_of_logits is not None:
            y_pred, spec = tensors.logits, self._loss_of_logits
        found = recompute.evaluate_losses(
            spec,
            tensors.y_true,
            y_pred,
            sample_weight=tensors.weight_of_loss,
            mask=tensors.mask_of_loss,
            backend=self._plan.backend,
            extra=self._plan.losses,
        )
        if spec.config.get("dtype") != "float64":
            return found
        # Whatever it is computed in, Keras casts the loss to float32 beside those of other outputs.
        cast = _EPS / 2 * np.abs(found.values) + _SMALLEST
        return found._replace(tolerances=found.tolerances + cast)

    def _accuracy(self, judged: Judged, found: Recomputed, tensors: OutputArrays) -> list[Verdict]:
        spec, count = self.output.accuracy_metric, len(found.rows)
        if spec is None:
            return [VERIFIED] * count
        try:
            metric = self._evaluate_metric(spec, tensors)
        except recompute.UnknownDefinition as error:
            return [Verdict("unverified", str(error))] * count
        found.accuracy_total, found.accuracy_count = metric.totals, metric.counts
        if judged.accuracy_total is None or judged.accuracy_count is None:
            unread = Verdict("unverified", f"Keras' own {spec.label or spec.name} cannot be read")
            return [unread] * count
        # What came out is a difference of Keras' float32 running totals: add their rounding.
        rounding = _EPS * self._largest_state(judged.chunk)[found.rows]
        found.accuracy_tolerance = metric.tolerances * np.abs(metric.counts) + rounding
        unsure = metric.count_tolerances + rounding
        totals, counts = judged.accuracy_total[found.rows], judged.accuracy_count[found.rows]
        return worst_each(
            compare_all("accuracy's count", counts, metric.counts, unsure),
            compare_all("accuracy's total", totals, metric.totals, found.accuracy_tolerance),
        )

    def _largest_state(self, chunk: Chunk) -> Floats:
        states = (chunk.scalars[f"after_{state}:{self._index}"] for state in ("total", "count"))
        return np.maximum(*map(np.abs, states))

    def _evaluate_metric(self, spec: MetricSpec, tensors: OutputArrays) -> recompute.StackedMetrics:
        assert tensors.y_true is not None
        assert tensors.y_pred is not None
        return recompute.evaluate_metrics(
            spec,
            tensors.y_true,
            tensors.y_pred,
            sample_weight=tensors.sample_weight if spec.weighted else None,
            mask=tensors.mask,
            backend=self._plan.backend,
            extra=self._plan.metrics,
        )


def count_nonfinite(predictions: Array) -> Floats:
    """How many numbers of each row are NaN or infinite, slice by slice where they are many."""
    missing = np.zeros(len(predictions))
    width = max(1, _SLICE // len(predictions))
    for start in range(0, predictions.shape[1], width):
        part = predictions[:, start : start + width]
        with np.errstate(invalid="ignore", over="ignore"):
            total = np.add.reduce(part, axis=None, dtype=np.result_type(part, np.float32))
        # A sum is finite where all is, and sooner made; one that overflows proves nothing.
        if not np.isfinite(total):
            finite = np.isfinite(part)
            missing += finite.shape[1] - np.count_nonzero(finite, axis=1)
    return missing


def _excuse_precision(found: Recomputed, verdicts: list[Verdict], dtype: str) -> list[Verdict]:
    """XLA may go on with more digits than half-precision predictions have, or not."""
    reason = f"XLA keeps more digits in some places inside the step than {dtype} has"
    missed = np.array([verdict.status == "mismatch" for verdict in verdicts])
    for tolerance in (found.loss_tolerance, found.accuracy_tolerance):
        if tolerance is not None:
            tolerance[missed] = np.inf
    unsure = Verdict("unverified", reason)
    return [unsure if verdict.status == "mismatch" else verdict for verdict in verdicts]
