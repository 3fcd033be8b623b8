"""Buckets as rows of the table `summaries`, and back.

A row holds one bucket: its place in plain columns, its measures as the bytes of an array. Packed, a
bucket of 64 batches costs one row and no conversion, where a row a measure would be eighteen and a
JSON document twice as long; a view of a long run reads a thousand of them. Most of the bytes are
places that the measures have in common: deflated, some 2.5 kB become 0.6 kB in 30 µs.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np

from lossmon.store.buckets import MEASURE, MEASURES, POSITION, Array, Buckets
from lossmon.store.damage import damage_named

PLACES = tuple(f"{end}_{name}" for end in ("first", "last") for name in POSITION)
NAMES = ("run_id", "split", "output", "rows", "bucket", *PLACES, "measures", "packed")


def summary_rows(buckets: Buckets, start: int, *series: Any) -> list[tuple[Any, ...]]:
    """Return a row for each bucket, its values in the order of `NAMES`.

    Args:
        buckets: consecutive buckets of one size.
        start: number of the first.
        *series: run, split, output and number of rows, which they have in common.
    """
    known = (buckets.measures["count"] > 0) | (buckets.measures["nonfinite"] > 0)
    places = np.concatenate([buckets.first, buckets.last], axis=1).tolist()
    return [
        (*series, number, *place, ",".join(compress(MEASURES, kept)), _deflated(bucket[kept]))
        for number, (place, kept, bucket) in enumerate(
            zip(places, known, buckets.measures, strict=True), start
        )
    ]


def _deflated(bucket: Array) -> bytes:
    """The bytes of some measures, deflated where that makes them fewer."""
    plain = bucket.tobytes()
    return min(plain, zlib.compress(plain, 1), key=len)


def _inflated(packed: bytes, measures: int) -> bytes:
    """The bytes of so many measures; those of older summaries, and of few, are as they were."""
    whole = len(packed) == measures * MEASURE.itemsize
    return packed if whole else zlib.decompress(packed)


def unpack(rows: Sequence[Any], measures: Sequence[str]) -> Buckets:
    """Return the buckets of rows, each the six `PLACES`, `measures` and `packed`.

    Args:
        rows: of consecutive buckets.
        measures: which to return, in this order; one that a row does not have counts no value.

    Raises:
        Damaged: a row is not as `summary_rows` makes them.
    """
    places = np.array([tuple(row)[:6] for row in rows], np.int64).reshape(len(rows), 6)
    found = np.zeros((len(rows), len(measures)), MEASURE)
    alike: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        alike.setdefault(row[6], []).append(i)
    for names, members in alike.items():
        wanted, at = _match(names, tuple(measures))
        count = names.count(",") + 1
        with damage_named("a summary of batches"):
            inflated = b"".join(_inflated(rows[i][7], count) for i in members)
            stored = np.frombuffer(inflated, MEASURE).reshape(len(members), count)
        found[np.array(members)[:, None], wanted] = stored[:, at]
    return Buckets(places[:, :3], places[:, 3:], found)


@lru_cache(maxsize=64)
def _match(names: str, measures: tuple[str, ...]) -> tuple[Array, Array]:
    """Places of the measures that are stored: among those wanted and among those stored."""
    stored = {name: place for place, name in enumerate(names.split(","))}
    pairs = [(i, stored[name]) for i, name in enumerate(measures) if name in stored]
    wanted, at = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(wanted, np.intp), np.array(at, np.intp)
