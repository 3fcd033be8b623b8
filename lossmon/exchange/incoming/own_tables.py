"""Tables that `lossmon export` wrote: their values come back as they were, unverified."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument, MissingExtra
from lossmon.exchange.incoming.run import ImportedRun, reason
from lossmon.records import BatchRecord, EpochRecord

PROGRAM = "lossmon export"
_MARKS = {"split", "output", "recomputed_loss", "reported_loss"}
_TEXTS = ("split", "output", "status", "reason")
_COUNTS = ("step", "epoch", "batch", "n", "batches", "nonfinite")


def is_own_table(columns: Iterable[str]) -> bool:
    """Whether a table with these columns is one of lossmon's own."""
    return set(columns) >= _MARKS


def read_own_table(path: Path) -> list[ImportedRun]:
    """Read batches or epochs of one run from CSV or Parquet.

    Raises:
        InvalidArgument: the file holds something else.
        MissingExtra: pyarrow is needed and not installed.
    """
    return _of_parquet(path) if path.suffix.lower() == ".parquet" else _of_csv(path)


def _of_csv(path: Path) -> list[ImportedRun]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return _runs(path, reader.fieldnames or (), map(_without_signs, reader))


def _without_signs(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the signs by which CSV tells spreadsheets that a text is no formula."""
    return {
        key: value[1:] if key in _TEXTS and (value or "")[:1] == "'" else value
        for key, value in row.items()
    }


def _of_parquet(path: Path) -> list[ImportedRun]:
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("pyarrow", "Reading Parquet", "parquet") from error
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InvalidArgument(
            f"expected a Parquet file. Received: {path} ({error}). "
            "Fix: name what `lossmon export --format parquet` wrote"
        ) from error
    if not is_own_table(table.column_names):
        raise InvalidArgument(
            f"expected batches or epochs of lossmon. Received: {path} with "
            f"{', '.join(table.column_names)[:200]}. Fix: name what `lossmon export` wrote"
        )
    return _runs(path, table.column_names, table.to_pylist())


def _runs(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    kind = BatchRecord if "batch" in set(columns) else EpochRecord
    known = {field.name for field in fields(kind)}
    records: list[Any] = []
    for number, row in enumerate(rows, 2):
        try:
            values: dict[str, Any] = {key: _value(key, row[key]) for key in known if key in row}
            # What is empty is what the record has by itself.
            given: dict[str, Any] = {
                k: v for k, v in values.items() if v is not None or k == "output"
            }
            given |= {"status": "unverified", "reason": reason(PROGRAM)}
            records.append(kind(**given))
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                f"expected a row as `lossmon export` writes it. Received: line {number} of {path} "
                f"({error}). Fix: export it again"
            ) from error
    times = [record.time for record in records] or [path.stat().st_mtime]
    epochs, batches = ([], records) if kind is BatchRecord else (records, [])
    origin, span = str(path.resolve()), (min(times), max(times))
    return [ImportedRun(path.stem, PROGRAM, origin, epochs, batches, *span)]


def _value(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name in _TEXTS:
        return value
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return int(value) if name in _COUNTS else float(value) if isinstance(value, str) else value
