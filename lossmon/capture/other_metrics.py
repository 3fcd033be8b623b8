"""The metrics beside the accuracy: recomputed over an epoch, and compared with what is printed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossmon import recompute
from lossmon.capture.chunk import Chunk, OutputArrays, joined
from lossmon.capture.plan import Plan
from lossmon.capture.verify import Verdict, compare, worst
from lossmon.records import EpochRecord, MetricSpec

_EPS = float(np.finfo(np.float32).eps)


class OtherMetrics:
    """All metrics of one epoch and split that are not an output's accuracy.

    Args:
        plan: how the run is judged.
    """

    def __init__(self, plan: Plan) -> None:
        self._of_output = {
            index: [
                _OtherMetric(spec, plan)
                for spec in output.metrics
                if spec != output.accuracy_metric
            ]
            for index, output in enumerate(plan.outputs)
        }
        self._plan = plan
        self._indices = {output.name: index for index, output in enumerate(plan.outputs)}

    def add(self, chunk: Chunk, rows: NDArray[np.int64]) -> None:
        """Add those steps of a chunk that are recomputed."""
        for index, tensors in chunk.outputs.items():
            for metric in self._of_output[index]:
                metric.add(tensors, rows)

    def close(self, record: EpochRecord) -> None:
        """Write what was found into the record of the output's epoch."""
        index = self._indices.get(record.output, -1)
        metrics = self._of_output.get(index, [])
        if not metrics:
            return
        record.metrics = [metric.judged(record) for metric in metrics]
        if self._plan.has_metrics_alone(index):
            # With nothing else to verify, the record is as sure as they are.
            found = (Verdict(metric["status"], metric["reason"]) for metric in record.metrics)
            record.status, record.reason = worst(Verdict(record.status, record.reason), *found)


class _OtherMetric:
    def __init__(self, spec: MetricSpec, plan: Plan) -> None:
        self._spec = spec
        self._reason: str | None = None
        self._accumulator: recompute.Accumulator | None = None
        try:
            self._accumulator = recompute.accumulator(
                spec, backend=plan.backend, extra=plan.metrics
            )
        except recompute.UnknownDefinition as error:
            self._reason = str(error)

    def add(self, tensors: OutputArrays, rows: NDArray[np.int64]) -> None:
        if self._accumulator is None or tensors.y_true is None or tensors.y_pred is None:
            return
        tensors = tensors if len(rows) == len(tensors.y_true) else tensors[rows]
        assert tensors.y_true is not None
        assert tensors.y_pred is not None
        try:
            self._accumulator.add(
                joined(tensors.y_true),
                joined(tensors.y_pred),
                joined(tensors.sample_weight) if self._spec.weighted else None,
                joined(tensors.mask),
                batches=len(rows),
            )
        except Exception as error:  # of a user's definition, or for values it does not know
            self._reason = f"the recomputation failed: {error!r}"
            self._accumulator = None

    def judged(self, record: EpochRecord) -> dict[str, Any]:
        reported = record.reported.get(self._spec.key)
        recomputed, verdict = self._verdict(reported, record.coverage)
        return {
            "key": self._spec.key,
            "label": self._spec.label or self._spec.name,
            "reported": reported,
            "recomputed": recomputed,
            "status": verdict.status,
            "reason": verdict.reason,
        }

    def _verdict(self, reported: float | None, coverage: float) -> tuple[float | None, Verdict]:
        if self._accumulator is None:
            return None, Verdict("unverified", self._reason)
        value = self._accumulator.value()
        if reported is None or not isinstance(value, float):
            return None, Verdict("unverified", "Keras prints no single number for it")
        if coverage < 1.0:
            reason = f"recomputed on {coverage:.1%} of the samples only"
            return value, Verdict("unverified", reason)
        tolerance = float(self._accumulator.tolerance()) + 4 * _EPS * abs(value)
        verdict = compare(self._spec.key, reported, value, tolerance)
        if tolerance == np.inf and value != reported:
            verdict = Verdict("unverified", "rounding in Keras' sums can make it any number")
        return value, verdict
