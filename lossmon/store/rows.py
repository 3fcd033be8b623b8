"""From records to rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import isfinite
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect, Double, Table, Text

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    MetricSpec,
    OutputRecord,
    RunRecord,
)
from lossmon.store.nonfinite import encode_json, nonfinite_kinds, storable_text
from lossmon.store.schema import Document, batches, epochs

Row = tuple[Any, ...]
T = TypeVar("T")
_ADDED = ("run_id", "nonfinite_kinds")


class RowMaker:
    """Turns batch or epoch records into tuples for one INSERT.

    A training may make thousands of batches a second, all through here: the driver's own
    `executemany` of tuples takes a third of the time of SQLAlchemy's compiled insert.

    NumPy scalars become plain numbers, which is what every driver understands; non-finite floats
    become NULL and are named in `nonfinite_kinds`.

    Args:
        table: `batches` or `epochs`, whose columns bear the names of the record's fields.
    """

    def __init__(self, table: Table) -> None:
        self._table = table.name
        self._reals = self._named(table, Double)
        self._integers = self._named(table, BigInteger)
        self._texts = [n for n in self._named(table, Text) if n not in _ADDED]
        self._documents = self._named(table, Document)
        sizes = (len(self._texts), len(self._documents), len(self._integers))
        self._ends = tuple(accumulate(sizes))
        self._read = attrgetter(*self._texts, *self._documents, *self._integers, *self._reals)

    @staticmethod
    def _named(table: Table, kind: type[Any]) -> list[str]:
        return [c.name for c in table.columns if isinstance(c.type, kind)]

    def insert(self, dialect: Dialect) -> str:
        """Return the INSERT, with a positional parameter for each value of `row`."""
        names = [*_ADDED, *self._texts, *self._documents, *self._integers, *self._reals]
        mark = "%s" if dialect.paramstyle == "format" else "?"
        marks = ", ".join([mark] * len(names))
        return f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({marks})"

    def row(self, run_id: str, record: BatchRecord | EpochRecord) -> Row:
        """Return the values of one record, in the order of the INSERT."""
        values = self._read(record)
        after_texts, after_documents, after_integers = self._ends
        reals = _each(float, values[after_integers:])
        kinds = None
        # A sum is finite only where all of its terms are: nearly every row is done with here.
        if not isfinite(sum(value for value in reals if value is not None)):
            kinds, reals = self._without_nonfinite(reals)
        return (
            run_id,
            kinds,
            *_each(_known_text, values[:after_texts]),
            *_each(_json_text, values[after_texts:after_documents]),
            *_each(int, values[after_documents:after_integers]),
            *reals,
        )

    def _without_nonfinite(
        self, reals: Sequence[float | None]
    ) -> tuple[str | None, list[float | None]]:
        kinds = nonfinite_kinds(dict(zip(self._reals, reals, strict=True)))
        finite = [
            None if name in kinds else value for name, value in zip(self._reals, reals, strict=True)
        ]
        return json.dumps(kinds) if kinds else None, finite


def _each(convert: Callable[[Any], T], values: Iterable[Any]) -> list[T | None]:
    return [None if value is None else convert(value) for value in values]


# The same few words, row for row.
_known_text = lru_cache(maxsize=1024)(storable_text)


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
