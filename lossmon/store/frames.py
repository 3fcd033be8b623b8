"""Tables as data frames: pandas, or polars where that is what the caller has.

The types of a frame follow from the schema alone, never from the rows: an empty frame has those of
a full one. `Store.columns` tells what each column means.

| in the schema      | pandas                    | polars                      |
|--------------------|---------------------------|-----------------------------|
| real number        | float64, unknown is NaN   | Float64, unknown is null    |
| integer            | int64                     | Int64                       |
| integer or unknown | Int64, unknown is NA      | Int64, unknown is null      |
| text               | object of str and None    | String                      |
| document           | object: dict, list, None  | String that holds JSON      |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from sqlalchemy import Column, Double, Integer

from lossmon.errors import InvalidArgument, MissingExtra
from lossmon.store.columns import Document
from lossmon.store.nonfinite import document

FrameLibrary = Literal["pandas", "polars"]
"""What data frames can be made by."""

Kind = Literal["real", "integer", "text", "document"]
"""What a column holds; a document is what JSON can say."""

_LIBRARIES: tuple[FrameLibrary, ...] = ("pandas", "polars")


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column of a data frame.

    Attributes:
        name: its name, as in the database and in JSON.
        kind: what it holds.
        nullable: whether its values may be unknown.
        meaning: what it says, with its unit.
    """

    name: str
    kind: Kind
    nullable: bool
    meaning: str


def frame_columns(columns: Sequence[Column[Any]]) -> list[FrameColumn]:
    """Return what there is to know of the columns of a table.

    Args:
        columns: of the table, in their order.
    """
    return [
        FrameColumn(c.name, _kind(c), bool(c.nullable), (c.comment or "").strip()) for c in columns
    ]


def frame(
    columns: Sequence[Column[Any]],
    rows: Sequence[Sequence[Any]],
    library: FrameLibrary | None = None,
) -> Any:
    """Return rows as a `pandas.DataFrame` or a `polars.DataFrame`.

    Args:
        columns: of the table, which decide the types also of an empty frame.
        rows: values in the order of the columns.
        library: which of the two; None for pandas, or polars where pandas is not installed.

    Raises:
        InvalidArgument: `library` is something else.
        MissingExtra: neither package is installed, or not the one that was asked for.
    """
    values = [[row[i] for row in rows] for i in range(len(columns))]
    described = frame_columns(columns)
    if _installed(library) == "pandas":
        return _pandas_frame(described, values)
    return _polars_frame(described, values)


def _kind(column: Column[Any]) -> Kind:
    if isinstance(column.type, Document):
        return "document"
    if isinstance(column.type, Double):
        return "real"
    return "integer" if isinstance(column.type, Integer) else "text"


def _installed(library: FrameLibrary | None) -> FrameLibrary:
    if library is not None and library not in _LIBRARIES:
        raise InvalidArgument(
            f"expected a library of data frames. Received: {library!r}. "
            'Fix: library="pandas", library="polars", or leave it out.'
        )
    for name in _LIBRARIES if library is None else (library,):
        if find_spec(name) is not None:
            return name
    if library == "polars":
        raise MissingExtra("polars", "This data frame", None)
    raise MissingExtra("pandas", "A data frame", "frames")


def _pandas_frame(columns: Sequence[FrameColumn], values: Sequence[list[Any]]) -> Any:
    import pandas as pd  # noqa: PLC0415

    def dtype(column: FrameColumn) -> str:
        if column.kind == "real":
            return "float64"
        if column.kind == "integer":
            return "Int64" if column.nullable else "int64"
        return "object"

    series = (pd.Series(v, dtype=dtype(c)) for c, v in zip(columns, values, strict=True))
    return pd.DataFrame({c.name: s for c, s in zip(columns, series, strict=True)})


def _polars_frame(columns: Sequence[FrameColumn], values: Sequence[list[Any]]) -> Any:
    import polars as pl  # noqa: PLC0415

    def series(column: FrameColumn, values: list[Any]) -> pl.Series:
        if column.kind == "document":
            texts = [None if v is None else document(v) for v in values]
            return pl.Series(column.name, texts, pl.String)
        types = {"real": pl.Float64, "integer": pl.Int64, "text": pl.String}
        return pl.Series(column.name, values, types[column.kind])

    return pl.DataFrame([series(c, v) for c, v in zip(columns, values, strict=True)])
