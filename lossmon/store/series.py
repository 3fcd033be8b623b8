"""Curves of any length in a bounded number of points, without losing a spike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    tuple_,
)

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.reading import of_run, restored
from lossmon.store.schema import batches

Series = dict[str, np.ndarray[Any, np.dtype[Any]]]

# A batch's place in its run as one integer that both engines compare and divide. The step alone
# does not tell: val batches share one, and not every optimiser counts.
_PLACES = 1 << 31
_PLACE = batches.c.epoch * _PLACES + batches.c.batch
_IN_ORDER = (batches.c.step, batches.c.epoch, batches.c.batch)
_PLACES_AT_ONCE = 5_000


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
    spans = max(1, max_points // (3 * len(columns) + 1))
    bounds = _bounds(columns, wanted, total, spans)
    picked = connection.execute(_extremes(columns, wanted, bounds)).all()
    stays = sorted(
        {
            stay
            for row in picked
            for stay in zip(row[::2], row[1::2], strict=True)
            if None not in stay
        }
    )
    chunks = (stays[i : i + _PLACES_AT_ONCE] for i in range(0, len(stays), _PLACES_AT_ONCE))
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
    return select(*(batches.c[name] for name in named)).order_by(*_IN_ORDER)


def _bounds(columns: Sequence[str], wanted: ColumnElement[bool], total: int, spans: int) -> CTE:
    """Cut the rows into spans: where each begins and ends, and between what values it lies."""
    number = func.row_number().over(order_by=_IN_ORDER) - 1
    values = (batches.c[name] for name in dict.fromkeys(("step", *columns)))
    numbered = select((number * spans // total).label("span"), _PLACE.label("place"), *values)
    row = numbered.where(wanted).subquery("numbered").c
    ends = [
        end(row[name]).label(f"{end_name}_{name}")
        for name in dict.fromkeys(("step", "place", *columns))
        for end_name, end in (("least", func.min), ("greatest", func.max))
    ]
    return select(row.span, *ends).group_by(row.span).cte("bounds")


def _extremes(columns: Sequence[str], wanted: ColumnElement[bool], bounds: CTE) -> Select[Any]:
    """Return the query for the rows that must stay: a row a span, of steps and their places."""
    stays = [
        batches.c[name] == bounds.c[f"{end}_{name}"]
        for name in columns
        for end in ("least", "greatest")
    ]
    stays += [batches.c.nonfinite_kinds.contains(f'"{name}"') for name in columns]
    last = bounds.c.greatest_place == _PLACE
    within = and_(
        # The steps are what the index knows.
        batches.c.step.between(bounds.c.least_step, bounds.c.greatest_step),
        _PLACE.between(bounds.c.least_place, bounds.c.greatest_place),
    )
    firsts = [
        func.min(case((condition, where)))
        for condition in (*stays, last)
        for where in (batches.c.step, _PLACE)
    ]
    query = select(*firsts).select_from(bounds).join(batches, within)
    return query.where(wanted, or_(*stays, last)).group_by(bounds.c.span)


def _at(stays: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    steps = sorted({step for step, _ in stays})
    positions = [divmod(place, _PLACES) for _, place in stays]
    position = tuple_(batches.c.epoch, batches.c.batch)
    return and_(batches.c.step.in_(steps), position.in_(positions))


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
