"""Tables as data frames: pandas, or polars where that is what the caller has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Column, Double, Integer

from lossmon.errors import MissingExtra
from lossmon.store.columns import Document
from lossmon.store.nonfinite import encode_json

Values = dict[str, list[Any]]


def frame(columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> Any:
    """Return rows as a `pandas.DataFrame`, or a `polars.DataFrame` where pandas is not installed.

    Args:
        columns: of the table, which decide the types also of an empty frame.
        rows: values in the order of the columns.

    Raises:
        MissingExtra: neither package is installed.
    """
    values = {c.name: [row[i] for row in rows] for i, c in enumerate(columns)}
    if find_spec("pandas") is not None:
        return _pandas_frame(columns, values)
    if find_spec("polars") is not None:
        return _polars_frame(columns, values)
    raise MissingExtra("pandas", "A data frame", "frames")


def _pandas_frame(columns: Sequence[Column[Any]], values: Values) -> Any:
    import pandas as pd  # noqa: PLC0415

    def dtype(column: Column[Any]) -> str:
        if isinstance(column.type, Double):
            return "float64"
        if isinstance(column.type, Integer):
            return "Int64" if column.nullable else "int64"
        return "object"

    return pd.DataFrame({c.name: pd.Series(values[c.name], dtype=dtype(c)) for c in columns})


def _polars_frame(columns: Sequence[Column[Any]], values: Values) -> Any:
    import polars as pl  # noqa: PLC0415

    def series(column: Column[Any]) -> pl.Series:
        if isinstance(column.type, Double):
            return pl.Series(column.name, values[column.name], pl.Float64)
        if isinstance(column.type, Integer):
            return pl.Series(column.name, values[column.name], pl.Int64)
        if isinstance(column.type, Document):
            texts = [json.dumps(encode_json(value)) for value in values[column.name]]
            return pl.Series(column.name, texts, pl.String)
        return pl.Series(column.name, values[column.name], pl.String)

    return pl.DataFrame([series(column) for column in columns])
