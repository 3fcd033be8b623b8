"""Curves of any length in a bounded number of points, without losing a spike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Select,
    and_,
    case,
    func,
    select,
    tuple_,
)

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.reading import of_run, restored
from lossmon.store.schema import batches

Series = dict[str, np.ndarray[Any, np.dtype[Any]]]

# A batch's place in its run as one integer that both engines compare and divide.
_PLACES = 1 << 31
_PLACE = batches.c.step * _PLACES + batches.c.batch
_PARAMETERS = 10_000


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
    columns has its least or greatest value, and the first that holds a non-finite value; so every
    point is a batch that was, and the extremes of every span are among them.

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
    total = connection.execute(select(func.count()).where(wanted)).scalar_one()
    query = _rows(columns).where(wanted)
    if total <= max_points:
        return _arrays(connection, [query], columns)
    spans = max(1, max_points // (2 * len(columns) + 1))
    picked = connection.execute(_extremes(columns, wanted, total, spans))
    places = sorted({place for row in picked for place in row if place is not None})
    chunks = (places[i : i + _PARAMETERS] for i in range(0, len(places), _PARAMETERS))
    return _arrays(connection, [query.where(_at(chunk)) for chunk in chunks], columns)


def _demand_numeric(columns: Sequence[str]) -> None:
    numeric = [c.name for c in batches.columns if isinstance(c.type, Double | BigInteger)]
    unknown = [name for name in columns if name not in numeric]
    if unknown or not columns:
        raise InvalidArgument(
            f"expected names among {', '.join(numeric)}. Received: {', '.join(unknown) or 'none'}. "
            "Fix: name numeric columns of the table `batches`."
        )


def _rows(columns: Sequence[str]) -> Select[Any]:
    named = dict.fromkeys(("step", "epoch", "batch", *columns, "nonfinite_kinds"))
    return select(*(batches.c[name] for name in named)).order_by(batches.c.step, batches.c.batch)


def _extremes(
    columns: Sequence[str], wanted: ColumnElement[bool], total: int, spans: int
) -> Select[Any]:
    """Return the query for the places of the rows that must stay, a row a span."""
    number = func.row_number().over(order_by=(batches.c.step, batches.c.batch)) - 1
    values = [batches.c[name].label(f"value_{i}") for i, name in enumerate(columns)]
    numbered = (
        select(_PLACE.label("place"), (number * spans // total).label("span"), *values)
        .add_columns(batches.c.nonfinite_kinds)
        .where(wanted)
        .cte("numbered")
    )
    span, row, numbers = numbered.c.span, numbered.c, range(len(columns))
    least = [func.min(row[f"value_{i}"]).label(f"least_{i}") for i in numbers]
    greatest = [func.max(row[f"value_{i}"]).label(f"greatest_{i}") for i in numbers]
    bounds = select(span, *least, *greatest).group_by(span).cte("bounds")
    stays = [row[f"value_{i}"] == bounds.c[f"least_{i}"] for i in numbers]
    stays += [row[f"value_{i}"] == bounds.c[f"greatest_{i}"] for i in numbers]
    stays.append(row.nonfinite_kinds.is_not(None))
    first_places = [func.min(case((condition, row.place))) for condition in stays]
    return select(*first_places).join(bounds, bounds.c.span == span).group_by(span)


def _at(places: Sequence[int]) -> ColumnElement[bool]:
    return tuple_(batches.c.step, batches.c.batch).in_([divmod(p, _PLACES) for p in places])


def _arrays(
    connection: Connection, queries: Iterable[Select[Any]], columns: Sequence[str]
) -> Series:
    rows = [restored(row) for query in queries for row in connection.execute(query).mappings()]
    positions: Series = {
        name: np.array([row[name] for row in rows], np.int64) for name in ("step", "epoch", "batch")
    }
    values: Series = {name: _masked([row[name] for row in rows]) for name in columns}
    return values | positions


def _masked(values: Sequence[float | None]) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
    unknown = [value is None for value in values]
    return np.ma.masked_array(np.array(values, np.float64), mask=unknown)
