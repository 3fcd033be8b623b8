"""Rows as CSV that no spreadsheet calculates."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# What spreadsheets take for the beginning of a formula, and the sign that says it is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_AT_ONCE = 500


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a heading and rows as CSV, some hundred at a time.

    A text that a spreadsheet would calculate gets a `'` before it; numbers stay as they are.

    Args:
        fields: the columns, in this order; what else a row has is left out.
        rows: by column; documents are written as JSON.
    """
    room = io.StringIO()
    writer = csv.DictWriter(room, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for place, row in enumerate(rows, 1):
        writer.writerow({name: _cell(value) for name, value in row.items()})
        if place % _AT_ONCE == 0:
            yield room.getvalue()
            room.seek(0)
            room.truncate()
    yield room.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
