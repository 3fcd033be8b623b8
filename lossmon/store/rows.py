"""From records to rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Double, Table, Text

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    MetricSpec,
    OutputRecord,
    RunRecord,
)
from lossmon.store.columns import Document
from lossmon.store.nonfinite import document, kind, storable_text
from lossmon.store.schema import batches, epochs

_ADDED = ("run_id", "nonfinite_kinds")


class Columns(NamedTuple):
    """Records column by column, in values that every driver takes.

    Attributes:
        others: texts, documents and integers.
        reals: floats, which may be NaN or infinite, or None.
    """

    others: Sequence[Sequence[Any]]
    reals: Sequence[Sequence[float | None]]

    def part(self, places: Sequence[int]) -> Columns:
        """Return some of the records."""
        chosen = itemgetter(*places) if len(places) > 1 else lambda column: (column[places[0]],)
        return Columns(*([chosen(column) for column in columns] for columns in self))


class RowMaker:
    """Turns batch or epoch records into columns for one INSERT.

    A training may make thousands of batches a second, all through here: the driver's own
    `executemany` takes a third of the time of SQLAlchemy's compiled insert, and columns are
    converted in half the time of rows.

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
        sizes = map(len, (self._texts, self._documents, self.integers, self.reals))
        self._parts = [slice(*ends) for ends in pairwise(accumulate(sizes, initial=0))]

    @staticmethod
    def _named(table: Table, kind: type[Any]) -> list[str]:
        return [c.name for c in table.columns if isinstance(c.type, kind)]

    def columns(self, records: Sequence[BatchRecord | EpochRecord]) -> Columns:
        """Return the values of one record or more."""
        columns = [*zip(*map(self._read, records), strict=True)]
        texts, documents, integers, reals = (columns[part] for part in self._parts)
        others = [
            *map(_texts, texts),
            *_converted(documents, set(), document),
            *_converted(integers, {int}, int),
        ]
        return Columns(others, _converted(reals, {float}, float))

    def stored(self, run_id: str, columns: Columns) -> list[Sequence[Any]]:
        """Return the columns as they are stored, in the order of `names`."""
        reals, told = columns.reals, [None] * len(columns.reals[0])
        if not _all_finite(chain.from_iterable(reals)):
            kinds: list[dict[str, str]] = [{} for _ in told]
            reals = [
                column if _all_finite(column) else _without_nonfinite(name, column, kinds)
                for name, column in zip(self.reals, reals, strict=True)
            ]
            told = [json.dumps(row) if row else None for row in kinds]
        return [[run_id] * len(told), told, *columns.others, *reals]


def _texts(column: Sequence[str | None]) -> Sequence[str | None]:
    # The same few words, row for row.
    stored = {text: text and storable_text(text) for text in set(column)}
    same = all(text == given for given, text in stored.items())
    return column if same else [stored[text] for text in column]


def _converted(
    columns: Sequence[Sequence[Any]], plain: set[type[Any]], convert: Callable[[Any], Any]
) -> Sequence[Sequence[Any]]:
    """Columns of plain values and None; they are nearly always as they should be."""
    if set(map(type, chain.from_iterable(columns))) <= {type(None), *plain}:
        return columns
    return [[None if value is None else convert(value) for value in column] for column in columns]


def _all_finite(values: Iterable[float | None]) -> bool:
    # A sum is finite only where all of its terms are: nearly all rows are done with here.
    return isfinite(sum(filter(None, values)))


def _without_nonfinite(
    name: str, column: Sequence[float | None], kinds: Sequence[dict[str, str]]
) -> list[float | None]:
    """The column with None for what is not finite, which is told of in `kinds`."""
    finite = list(column)
    for place, value in enumerate(column):
        if value is not None and not isfinite(value):
            finite[place] = None
            kinds[place][name] = kind(value)
    return finite


batch_rows = RowMaker(batches)
epoch_rows = RowMaker(epochs)


def run_row(run: RunRecord) -> dict[str, Any]:
    """Return the row of a run that begins."""
    return {
        **{key: _clean(value) for key, value in _fields(run).items()},
        "tags": list(run.tags),
        "rules": [dict(change) for change in run.rules],
        "status": "running",
        "heartbeat": time.time(),
        "batches": 0,
        "revision": 0,
        "troubles": [],
        "attempt": 0,
        "resumes": [],
        "dropped": 0,
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
