"""From records to rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, Column, Double, Table, Text

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    MetricSpec,
    OutputRecord,
    RunRecord,
)
from lossmon.store.nonfinite import encode_json, nonfinite_kinds, storable_text
from lossmon.store.schema import batches, epochs

Row = tuple[Any, ...]


class RowMaker:
    """Turns batch or epoch records into tuples, one value a column of their table.

    NumPy scalars become plain numbers, which is what every driver understands; non-finite floats
    become NULL and are named in `nonfinite_kinds`.

    Args:
        table: `batches` or `epochs`, whose columns bear the names of the record's fields.
    """

    def __init__(self, table: Table) -> None:
        fields = [c for c in table.columns if c.name not in {"run_id", "nonfinite_kinds"}]
        self._fields = attrgetter(*(c.name for c in fields))
        self._converters = [_converter(c) for c in fields]
        self._reals = [(i, c.name) for i, c in enumerate(fields) if isinstance(c.type, Double)]
        self._kinds_at = list(table.columns.keys()).index("nonfinite_kinds")

    def row(self, run_id: str, record: BatchRecord | EpochRecord) -> Row:
        """Return the values of one record, in the order of the table's columns."""
        values = [
            None if value is None else convert(value)
            for convert, value in zip(self._converters, self._fields(record), strict=True)
        ]
        kinds = nonfinite_kinds({name: values[i] for i, name in self._reals})
        for i, name in self._reals if kinds else ():
            values[i] = None if name in kinds else values[i]
        row = [run_id, *values]
        row.insert(self._kinds_at, json.dumps(kinds) if kinds else None)
        return tuple(row)


def _converter(column: Column[Any]) -> Callable[[Any], Any]:
    converters: dict[type[Any], Callable[[Any], Any]] = {
        Double: float,
        BigInteger: int,
        Text: storable_text,
    }
    return converters.get(type(column.type), _json_text)


def _json_text(value: Any) -> str:
    return json.dumps(encode_json(value))


batch_rows = RowMaker(batches)
epoch_rows = RowMaker(epochs)


def run_row(run: RunRecord) -> dict[str, Any]:
    """Return the row of a run that begins."""
    return {
        **{key: _clean(value) for key, value in _fields(run).items()},
        "tags": list(run.tags),
        "status": "running",
        "heartbeat": time.time(),
        "batches": 0,
        "revision": 0,
        "troubles": [],
    }


def output_row(run_id: str, position: int, output: OutputRecord) -> dict[str, Any]:
    """Return the row of one output: its loss in columns, its metrics as a document."""
    loss, accuracy = output.loss, output.accuracy_metric
    return {
        "run_id": run_id,
        "position": position,
        "name": _clean(output.name),
        "layer": _clean(output.layer),
        "shape": None if output.shape is None else list(output.shape),
        "dtype": _clean(output.dtype),
        "activation": _clean(output.activation),
        "loss": None if loss is None else storable_text(loss.name),
        "loss_config": None if loss is None else dict(loss.config),
        "loss_custom": None if loss is None else int(loss.custom),
        "reduction": None if loss is None else storable_text(loss.reduction),
        "loss_weight": output.loss_weight,
        "accuracy_metric": _label(accuracy),
        "accuracy_alias": None if accuracy is None else _clean(accuracy.alias),
        "intended_metric": _label(output.intended_metric),
        "metrics": [_fields(metric) for metric in output.metrics],
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    """Return the columns of a finding that a later report of it renews."""
    return {
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity,
        "output": _clean(finding.output),
        "message": storable_text(finding.message),
        "fix": storable_text(finding.fix),
        "evidence": dict(finding.evidence),
    }


def _label(metric: MetricSpec | None) -> str | None:
    return None if metric is None else storable_text(metric.label or metric.name)


def _clean(value: Any) -> Any:
    return storable_text(value) if isinstance(value, str) else value


def _fields(record: RunRecord | MetricSpec) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
