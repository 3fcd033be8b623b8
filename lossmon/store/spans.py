"""Curves of any length as spans of batches: mean, least and greatest value of each.

Where every batch has room a span is one batch. Else spans are made of batches or of the summaries
that the writer keeps, whichever are fewer rows to read, so that what is read and returned does not
grow with the run; the extremes of a span are those of its batches, whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, true

from lossmon.records import Split
from lossmon.store.buckets import FAN, LEVELS, MEASURE, POSITION, ROWS, Array, Block, Buckets
from lossmon.store.prepared import Prepared
from lossmon.store.raw import read_blocks, read_steps
from lossmon.store.schema import batches
from lossmon.store.selection import (
    Series,
    after,
    before,
    bucket_ends,
    named,
    numbers_within,
    of_named,
    read_buckets,
)
from lossmon.store.series import demand_numeric, is_pruned
from lossmon.store.thinning import one_of_each

Steps = tuple[int, int] | None
_LAST_STEP = 2**62
_COUNTED = Prepared(
    select(func.count()).where(
        of_named(batches), batches.c.step.between(bindparam("first"), bindparam("last"))
    )
)


class _Request(NamedTuple):
    connection: Connection
    series: Series
    names: tuple[str, ...]
    most: int
    steps: Steps
    since: int | None
    before: int | None

    def wanted(self) -> Steps:
        """The steps to be read: those of the range that are not before `since`."""
        if self.since is None:
            return self.steps
        first, last = self.steps or (0, _LAST_STEP)
        return max(first, self.since), last


class _Found(NamedTuple):
    parts: list[Buckets]
    size: int
    settled: int
    before: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """One column over consecutive spans of batches, those alone in which it is known; shape `(S,)`.

    Attributes:
        first_step, last_step: where each begins and ends, int64.
        count: batches with a finite value, int64.
        mean, low, high: their mean and extremes, float64; NaN where there is none.
        broken: batches whose value is NaN or infinite, int64.
        odd: the first of these, float64; 0 where there is none.
        odd_step: where it was, int64; the first step where there is none.
        size: batches in a span, but in those at the ends.
        settled: the step before which spans stay as they are when batches are added, as long as
            `size` stays.
        before: how many batches are settled; None where spans are not made of batches.
    """

    first_step: Array
    last_step: Array
    count: Array
    mean: Array
    low: Array
    high: Array
    broken: Array
    odd: Array
    odd_step: Array
    size: int = 1
    settled: int = 0
    before: int | None = None

    @property
    def single(self) -> bool:
        """Whether every span is one batch."""
        return not len(self.count) or int((self.count + self.broken).max()) <= 1


def read_spans(
    connection: Connection,
    run_id: str,
    columns: Sequence[str],
    *,
    split: Split,
    output: str | None = None,
    most: int = 2000,
    step_range: Steps = None,
    since: int | None = None,
    before: int | None = None,
) -> dict[str, Spans]:
    """Return columns of the batches in about `most` spans at most.

    Args:
        connection: to read by.
        run_id: the run.
        columns: numeric columns of `batches`.
        split: "train" or "val".
        output: the output; None for the model as a whole.
        most: so many spans; of summaries there may be some hundreds more at the ends.
        step_range: the first and last step wanted, both included; None for all.
        since: of all these spans only those that begin at this step or later, to be added to what
            is `settled`; they are as they would be among all. None for all.
        before: how many batches are settled, as the last `Spans.before` said.

    Raises:
        InvalidArgument: a column is not one of the numeric columns.
    """
    demand_numeric(columns)
    names = tuple(name for name in columns if name not in POSITION)
    series = Series(run_id, split, output)
    request = _Request(connection, series, names, most, step_range, since, before)
    found = _found(request)
    firsts = np.concatenate([part.first for part in found.parts])
    lasts = np.concatenate([part.last for part in found.parts])
    measures = np.concatenate([part.measures for part in found.parts])
    order = np.lexsort(firsts.T[::-1])
    order = order[firsts[order, 0] >= (since or 0)]
    return {
        name: _spans(firsts[order], lasts[order], measures[order, place], found)
        for place, name in enumerate(names)
    }


def _spans(first: Array, last: Array, measure: Array, found: _Found) -> Spans:
    known = (measure["count"] > 0) | (measure["nonfinite"] > 0)
    first, last, measure = first[known, 0], last[known, 0], measure[known]
    finite, broken = measure["count"] > 0, measure["nonfinite"] > 0
    mean, low, high = (
        np.where(finite, values, np.nan)
        for values in (
            measure["mean"],
            measure["minimum"]["value"],
            measure["maximum"]["value"],
        )
    )
    return Spans(
        first,
        last,
        measure["count"],
        mean,
        low,
        high,
        measure["nonfinite"],
        np.where(broken, measure["broken"]["value"], 0.0),
        np.where(broken, measure["broken"]["step"], first),
        found.size,
        found.settled,
        found.before,
    )


def _found(request: _Request) -> _Found:
    connection, series, _, most, steps, since, told = request
    if since is not None and told is not None:
        found = _batches(request)
        if (found.before or 0) // ROWS * ROWS <= FAN * most:
            return found
    first, end = numbers_within(connection, series, 0, steps)
    pruned = is_pruned(connection, series.run_id)
    if not pruned and (end - first) * ROWS <= FAN * most:
        return _batches(request)
    level = next(
        (level for level in range(LEVELS) if (end - first) // FAN**level <= most), LEVELS - 1
    )
    parts = [*_summaries(request, level)]
    size = ROWS * FAN**level
    whole = numbers_within(connection, series, level, request.wanted())
    ends = bucket_ends(connection, series, whole[0], whole[1], level)
    settled = (since or 0) if ends is None else ends[1][0] + 1
    if pruned:
        # Its batches are gone: a span that the range cuts is told whole.
        cut = (first - 1, end) if steps is not None else ()
        own = (read_buckets(connection, series, 0, request.names, (n, n + 1)) for n in cut)
        return _Found([*parts, *own], size, settled)
    ends = bucket_ends(connection, series, first, end)
    outside = () if ends is None else (before(ends[0]), after(ends[1]))
    rest = (_grouped(_raw(request, condition), ROWS) for condition in outside)
    return _Found([*parts, *rest], size, settled)


def _batches(request: _Request) -> _Found:
    """Batches as spans of equal length."""
    block = _raw(request)
    total = len(block) + _count_before(request)
    # Each time that there are twice as many: what is drawn of them is drawn anew then.
    size = 1 << max(0, -(-total // request.most) - 1).bit_length()
    # Spans are counted from the first batch, which is not read where only later ones are wanted.
    skipped = -(total - len(block)) % size
    rest = block.part(slice(skipped, None)) if skipped else block
    whole = len(rest) // size * size
    if whole < len(rest):
        settled = int(rest.position[0, whole])
    else:
        settled = int(rest.position[0, -1]) + 1 if len(rest) else request.since or 0
    return _Found([_grouped(rest, size)], size, settled, total - len(rest) + whole)


def _count_before(request: _Request) -> int:
    """How many batches there are before `since`."""
    if request.since is None:
        return 0
    if request.before is not None:
        return request.before
    first, last = request.steps or (0, request.since)
    own = named(request.series)
    until = min(last, request.since - 1)
    ((count,),) = _COUNTED.rows(request.connection, **own, first=first, last=until)
    return count


def _summaries(request: _Request, coarsest: int) -> Iterator[Buckets]:
    """The buckets of a level, and finer ones at both ends."""
    connection, series, names, *_ = request
    covered: tuple[int, int] | None = None
    for level in range(coarsest, -1, -1):
        first, end = numbers_within(connection, series, level, request.wanted())
        inner = (end, end) if covered is None else (FAN * covered[0], FAN * covered[1])
        for numbers in ((first, inner[0]), (inner[1], end)):
            if numbers[0] < numbers[1]:
                yield read_buckets(connection, series, level, names, numbers)
        covered = (first, end) if first < end else None


def _raw(request: _Request, condition: ColumnElement[bool] | None = None) -> Block:
    names, steps = request.names, request.wanted()
    if condition is None:
        first, last = steps or (0, _LAST_STEP)
        read = read_steps(request.connection, request.series, names, first, last)
        return read[0] if read else _none(names)
    within = true() if steps is None else batches.c.step.between(*steps)
    read = read_blocks(request.connection, request.series, names, and_(condition, within))
    return one_of_each([_none(names), *read])


def _none(names: tuple[str, ...]) -> Block:
    return Block(*(np.zeros((n, 0)) for n in (len(POSITION), len(names), len(names))))


def _grouped(block: Block, size: int) -> Buckets:
    """Batches as spans of so many each, the last of what is left."""
    total = len(block)
    starts = np.arange(0, total, size)
    found = np.zeros((len(starts), len(block.values)), MEASURE)
    if not total:
        empty = np.zeros((0, len(POSITION)), np.int64)
        return Buckets(empty, empty, found)
    position = block.position.astype(np.int64)
    lasts = np.append(starts[1:], total) - 1
    firsts, ends = position[:, starts].T, position[:, lasts].T
    known = block.known.astype(bool)
    finite = known & np.isfinite(block.values)
    if finite.all():
        return Buckets(firsts, ends, _of_finite(block.values, starts, found))
    broken = known & ~finite
    values = np.where(finite, block.values, 0.0)
    counts = np.add.reduceat(finite, starts, axis=1, dtype=np.int64)
    found["count"] = counts.T
    found["nonfinite"] = np.add.reduceat(broken, starts, axis=1, dtype=np.int64).T
    with np.errstate(over="ignore"):
        found["mean"] = (np.add.reduceat(values, starts, axis=1) / np.maximum(counts, 1)).T
    low, high = (np.where(finite, block.values, bound) for bound in (np.inf, -np.inf))
    found["minimum"]["value"] = np.minimum.reduceat(low, starts, axis=1).T
    found["maximum"]["value"] = np.maximum.reduceat(high, starts, axis=1).T
    for measure, places in enumerate(broken):
        rows = np.flatnonzero(places)
        groups, at = np.unique(rows // size, return_index=True)
        found["broken"]["value"][groups, measure] = block.values[measure, rows[at]]
        found["broken"]["step"][groups, measure] = position[0, rows[at]]
    return Buckets(firsts, ends, found)


def _of_finite(values: Array, starts: Array, found: Array) -> Array:
    """The same of values that are all known and finite, as most are."""
    counts = np.diff(starts, append=values.shape[1])
    found["count"] = counts[:, None]
    with np.errstate(over="ignore"):
        found["mean"] = (np.add.reduceat(values, starts, axis=1) / counts).T
    found["minimum"]["value"] = np.minimum.reduceat(values, starts, axis=1).T
    found["maximum"]["value"] = np.maximum.reduceat(values, starts, axis=1).T
    return found
