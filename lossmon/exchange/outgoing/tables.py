"""Batches or epochs as CSV or Parquet, streamed, so that a run may be as long as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from lossmon.errors import MissingExtra

# What spreadsheets take for the beginning of a formula, and the sign that says it is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_AT_ONCE = 65_536
Row = Mapping[str, Any]


def write_csv(rows: Iterable[Row], columns: Sequence[str], file: IO[str]) -> None:
    """Write rows as CSV with a header.

    Args:
        rows: values by column; documents are written as JSON.
        columns: which, and in what order.
        file: to write to.
    """
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would calculate gets a `'` before it; numbers stay as they are."""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_parquet(rows: Iterable[Row], columns: Sequence[str], path: Path) -> None:
    """Write rows as Parquet: integers, doubles, texts; documents as JSON.

    Args:
        rows: values by column.
        columns: which, and in what order.
        path: to write to.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("pyarrow", "Writing Parquet", "parquet") from error
    schema = pa.schema([(name, _type(pa, name)) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:
        remaining = iter(rows)
        while part := list(islice(remaining, _AT_ONCE)):
            arrays = [
                pa.array([_plain(row.get(name)) for row in part], schema.field(name).type)
                for name in columns
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


_INTEGERS = ("step", "epoch", "batch", "batches", "n", "nonfinite")
_TEXTS = ("split", "output", "status", "reason")
_DOCUMENTS = ("reliability", "class_counts", "reported", "reconciliation", "baselines", "metrics")


def _type(pa: Any, name: str) -> Any:
    if name in _INTEGERS:
        return pa.int64()
    return pa.string() if name in (*_TEXTS, *_DOCUMENTS) else pa.float64()


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
