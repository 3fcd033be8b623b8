"""Batches or epochs as CSV or Parquet, streamed, so that a run may be as long as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from lossmon.errors import MissingExtra
from lossmon.store import csv_text

_AT_ONCE = 65_536
Row = Mapping[str, Any]


def write_csv(rows: Iterable[Row], columns: Sequence[str], file: IO[str]) -> None:
    """Write rows as CSV with a header.

    Args:
        rows: values by column; documents are written as JSON.
        columns: which, and in what order.
        file: to write to.
    """
    for part in csv_text(columns, rows):
        file.write(part)


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
_DOCUMENTS = (
    *("reliability", "class_counts", "reported", "reconciliation", "baselines", "metrics"),
    "margins",
)


def _type(pa: Any, name: str) -> Any:
    if name in _INTEGERS:
        return pa.int64()
    return pa.string() if name in (*_TEXTS, *_DOCUMENTS) else pa.float64()


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
