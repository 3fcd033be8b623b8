"""Curves of any length in a bounded number of points, without losing a spike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Connection, Double, Select, and_, select

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.nonfinite import restore_kinds
from lossmon.store.reading import of_run
from lossmon.store.schema import batches

Series = dict[str, np.ndarray[Any, np.dtype[Any]]]
Values = np.ndarray[Any, np.dtype[np.float64]]

_POSITION = ("step", "epoch", "batch")
_ROWS_AT_ONCE = 20_000


def read_series(
    connection: Connection,
    run_id: str,
    columns: Sequence[str],
    *,
    split: Split,
    output: str | None = None,
    max_points: int = 2000,
    step_range: tuple[int, int] | None = None,
) -> Series:
    """Return batch rows in order, thinned out where they are more than `max_points`.

    The rows are cut into spans of equal length. Of each span those rows stay in which one of the
    columns has its least or greatest value or is first not finite, and the last row; so every point
    is a batch that was, and the extremes of every span are among them.

    They are thinned out here and not by SQL: which row holds an extreme takes SQL a join or a sort
    for each column, and versions of SQLite differ by a factor of a thousand in how they plan it.

    Args:
        connection: to read by.
        run_id: the run.
        columns: numeric columns of `batches`.
        split: "train" or "val".
        output: the output; None for the model as a whole.
        max_points: the most rows to return.
        step_range: the first and last step wanted, both included; None for all.

    Returns:
        Arrays of one length: "step", "epoch" and "batch" (int64), and each of the columns as a
        masked float64 array: masked where the value is not known, NaN or infinite where it was.

    Raises:
        InvalidArgument: a column is not one of the numeric columns.
    """
    _demand_numeric(columns)
    wanted = of_run(batches, run_id, split, output)
    if step_range is not None:
        wanted = and_(wanted, batches.c.step.between(*step_range))
    names = [*_POSITION, *columns]
    query = select(*(batches.c[name] for name in names), batches.c.nonfinite_kinds)
    ordered = query.where(wanted).order_by(*(batches.c[name] for name in _POSITION))
    parts = list(_parts(connection, ordered, columns))
    series = {name: np.ma.concatenate([part[name] for part in parts]) for name in columns}
    position = {name: np.concatenate([part[name] for part in parts]) for name in _POSITION}
    if len(position["step"]) > max_points:
        kept = _kept(list(series.values()), max_points)
        series = {name: values[kept] for name, values in series.items()}
        position = {name: values[kept] for name, values in position.items()}
    return series | position


def _demand_numeric(columns: Sequence[str]) -> None:
    numeric = [c.name for c in batches.columns if isinstance(c.type, Double | BigInteger)]
    unknown = [name for name in columns if name not in numeric]
    if unknown or not columns:
        raise InvalidArgument(
            f"expected names among {', '.join(numeric)}. Received: {', '.join(unknown) or 'none'}. "
            "Fix: name numeric columns of the table `batches`."
        )


def _parts(connection: Connection, query: Select[Any], columns: Sequence[str]) -> Iterator[Series]:
    """The rows as arrays, some thousands at a time; at least one part, which may be empty."""
    streaming = connection.execution_options(yield_per=_ROWS_AT_ONCE)
    empty = True
    for rows in streaming.execute(query).partitions():
        yield _arrays(rows, columns)
        empty = False
    if empty:
        yield _arrays([], columns)


def _arrays(rows: Sequence[Any], columns: Sequence[str]) -> Series:
    by_column = list(zip(*rows, strict=True)) or [()] * (len(_POSITION) + len(columns) + 1)
    *values, kinds = by_column
    part: Series = {
        name: np.array(numbers, np.int64) for name, numbers in zip(_POSITION, values, strict=False)
    }
    known = {
        name: np.array(numbers, np.float64)
        for name, numbers in zip(columns, values[len(_POSITION) :], strict=True)
    }
    masks = {name: np.isnan(numbers) for name, numbers in known.items()}
    for row, kind in enumerate(kinds):
        for name, value in restore_kinds(kind).items():
            if name in known:
                known[name][row], masks[name][row] = value, False
    return part | {name: np.ma.masked_array(known[name], mask=masks[name]) for name in columns}


def _kept(columns: Sequence[Any], max_points: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Which rows stay, ascending."""
    total = len(columns[0])
    spans = max(1, max_points // (3 * len(columns) + 1))
    ends = np.arange(1, spans + 1) * total // spans
    kept = {int(end) - 1 for end in ends if end}
    for values in columns:
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            kept.update(int(start) + row for row in _extremes(values[start:end]))
    return np.array(sorted(kept), np.int64)


def _extremes(values: np.ma.MaskedArray[Any, np.dtype[np.float64]]) -> set[int]:
    """The places of the least and the greatest finite value, and of the first that is not."""
    known = ~np.ma.getmaskarray(values)
    plain = np.asarray(values.data)
    finite = np.flatnonzero(known & np.isfinite(plain))
    broken = np.flatnonzero(known & ~np.isfinite(plain))
    places = {int(broken[0])} if len(broken) else set[int]()
    if len(finite):
        places |= {int(finite[plain[finite].argmin()]), int(finite[plain[finite].argmax()])}
    return places
