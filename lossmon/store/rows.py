"""From records to rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
from sqlalchemy import BigInteger, Double, Table, Text

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


class Columns(NamedTuple):
    """Records column by column, in the order of the INSERT and in values that every driver takes.

    Attributes:
        others: texts, documents and integers.
        reals: float64 of shape (columns, records), NaN where a value is not known.
        known: whether it is known; bool of the same shape.
        plain: for each column of `reals` its values where they can be stored as they are.
    """

    others: Sequence[Sequence[Any]]
    reals: np.ndarray[Any, np.dtype[np.float64]]
    known: np.ndarray[Any, np.dtype[np.bool_]]
    plain: Sequence[Sequence[float | None] | None]


class RowMaker:
    """Turns batch or epoch records into tuples for one INSERT.

    A training may make thousands of batches a second, all through here: the driver's own
    `executemany` of tuples takes a third of the time of SQLAlchemy's compiled insert, and columns
    are converted in half the time of rows.

    NumPy scalars become plain numbers, which is what every driver understands; non-finite floats
    become NULL and are named in `nonfinite_kinds`.

    Args:
        table: `batches` or `epochs`, whose columns bear the names of the record's fields.
    """

    def __init__(self, table: Table) -> None:
        self.table = table.name
        self.reals = self._named(table, Double)
        self.integers = self._named(table, BigInteger)
        self._texts = [n for n in self._named(table, Text) if n not in _ADDED]
        self._documents = self._named(table, Document)
        self.names = (*_ADDED, *self._texts, *self._documents, *self.integers, *self.reals)
        self._read = attrgetter(*self.names[len(_ADDED) :])

    @staticmethod
    def _named(table: Table, kind: type[Any]) -> list[str]:
        return [c.name for c in table.columns if isinstance(c.type, kind)]

    def columns(self, records: Sequence[BatchRecord | EpochRecord]) -> Columns:
        """Return the values of one record or more."""
        given = list(zip(*map(self._read, records), strict=True))
        converters = (
            *([_known_text] * len(self._texts)),
            *([_json_text] * len(self._documents)),
            *([int] * len(self.integers)),
        )
        others = [_each(*pair) for pair in zip(converters, given, strict=False)]
        reals, known, plain = zip(*map(_real_column, given[len(others) :]), strict=True)
        return Columns(others, np.stack(reals), np.stack(known), plain)

    def rows(self, run_id: str, columns: Columns) -> list[Row]:
        """Return the values of each record, in the order of `names`."""
        finite = np.isfinite(columns.reals)
        reals = [
            _without_nonfinite(*column) if plain is None else plain
            for plain, *column in zip(columns.plain, columns.reals, finite, strict=True)
        ]
        kinds = self._kinds(columns, columns.known & ~finite)
        return list(zip(repeat(run_id), kinds, *columns.others, *reals, strict=False))

    def _kinds(self, columns: Columns, broken: np.ndarray[Any, Any]) -> list[str | None]:
        kinds: list[str | None] = [None] * broken.shape[1]
        for row in np.flatnonzero(broken.any(axis=0)):
            names = compress(self.reals, broken[:, row])
            values = columns.reals[broken[:, row], row].tolist()
            kinds[row] = json.dumps(nonfinite_kinds(dict(zip(names, values, strict=True))))
        return kinds


def _real_column(given: Sequence[Any]) -> tuple[Any, Any, Sequence[float | None] | None]:
    """Values, which of them are known, and what is stored where that is what was given."""
    kinds = set(map(type, given))
    if kinds == {type(None)}:
        return np.full(len(given), np.nan), np.zeros(len(given), np.bool_), given
    values = np.array(given, np.float64)
    if np.isfinite(values).all():
        return values, np.ones(len(given), np.bool_), given if kinds == {float} else None
    return values, np.array([value is not None for value in given]), None


def _without_nonfinite(values: Any, finite: Any) -> list[float | None]:
    return [
        value if stays else None
        for value, stays in zip(values.tolist(), finite.tolist(), strict=True)
    ]


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
