"""What is kept of many batches at once: extremes and where they were, ends, means and counts.

Each bucket tells of every measure (numeric column of `batches`) five points, each a value with the
batch it was of: the first and last that were known, the least and greatest that were finite, and
the first that was not finite. Buckets of 64 batches are merged by eights into coarser ones, so
that a spike of one batch is in every bucket above it, and a bucket's parts are known by its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import BigInteger, Double

from lossmon.store.schema import batches

POSITION = ("step", "epoch", "batch")
ROWS = 64
FAN = 8
LEVELS = 6
"""Buckets of 64, 512, 4,096, 32,768, 262,144 and 2,097,152 batches."""

REALS = tuple(c.name for c in batches.columns if isinstance(c.type, Double))
COUNTS = tuple(
    c.name for c in batches.columns if isinstance(c.type, BigInteger) and c.name not in POSITION
)
MEASURES = (*REALS, *COUNTS)

POINT = np.dtype([("value", "<f8"), ("step", "<i8"), ("epoch", "<i4"), ("batch", "<i4")])
POINTS = ("first", "last", "minimum", "maximum", "broken")
MEASURE = np.dtype(
    [("count", "<i8"), ("nonfinite", "<i8"), ("mean", "<f8"), *((name, POINT) for name in POINTS)]
)

Array = np.ndarray[Any, np.dtype[Any]]


class Block(NamedTuple):
    """Batches of one split and output, in the order of training.

    Attributes:
        position: step, epoch and batch, int64 of shape (3, n).
        values: float64 of shape (measures, n).
        known: whether there is a value, which may be NaN or infinite; bool of the same shape.
    """

    position: Array
    values: Array
    known: Array

    def __len__(self) -> int:
        return self.position.shape[1]

    def part(self, rows: Any) -> Block:
        """Return some of the batches: a slice or an array of places."""
        return Block(self.position[:, rows], self.values[:, rows], self.known[:, rows])


class Buckets(NamedTuple):
    """Consecutive buckets of one size.

    Attributes:
        first: position of the first batch of each, int64 of shape (buckets, 3).
        last: position of the last batch of each.
        measures: `MEASURE` of shape (buckets, measures).
    """

    first: Array
    last: Array
    measures: Array

    def __len__(self) -> int:
        return len(self.first)

    def part(self, rows: slice) -> Buckets:
        """Return some of the buckets."""
        return Buckets(self.first[rows], self.last[rows], self.measures[rows])


EMPTY_BLOCK = Block(
    np.zeros((len(POSITION), 0), np.int64),
    np.zeros((len(MEASURES), 0)),
    np.zeros((len(MEASURES), 0), np.bool_),
)
EMPTY_BUCKETS = Buckets(
    np.zeros((0, len(POSITION)), np.int64),
    np.zeros((0, len(POSITION)), np.int64),
    np.zeros((0, len(MEASURES)), MEASURE),
)


def join_blocks(parts: Sequence[Block]) -> Block:
    """Return blocks one after the other."""
    return Block(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


def join_buckets(parts: Sequence[Buckets]) -> Buckets:
    """Return buckets one after the other."""
    return Buckets(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def bucket_rows(block: Block) -> Buckets:
    """Return the buckets of `ROWS` batches each that a whole number of them makes."""
    count = len(block) // ROWS
    position = block.position.reshape(len(POSITION), count, ROWS)
    values, known = (a.reshape(len(MEASURES), count, ROWS) for a in (block.values, block.known))
    finite = np.isfinite(values)
    plain = finite.all(axis=(1, 2))
    odd = known.any(axis=(1, 2)) & ~plain
    measures = np.zeros((len(MEASURES), count), MEASURE)
    measures[plain] = _plain(values[plain], position)
    if odd.any():
        measures[odd] = _odd(values[odd], known[odd], finite[odd], position)
    return Buckets(position[:, :, 0].T, position[:, :, -1].T, measures.T)


def _plain(values: Array, position: Array) -> Array:
    """Measures all of whose values are known and finite."""
    first = np.zeros(values.shape[:2], np.int64)
    places = {
        "first": first,
        "last": first + (ROWS - 1),
        "minimum": values.argmin(axis=2),
        "maximum": values.argmax(axis=2),
    }
    return _with_points(values, position, places, count=ROWS, total=values.sum(axis=2))


def _odd(values: Array, known: Array, finite: Array, position: Array) -> Array:
    """Measures some of whose values are not known, or not finite."""
    broken = known & ~finite
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.where(finite, values, 0.0).sum(axis=2)
    places = {
        "first": known.argmax(axis=2),
        "last": ROWS - 1 - known[:, :, ::-1].argmax(axis=2),
        "minimum": np.where(finite, values, np.inf).argmin(axis=2),
        "maximum": np.where(finite, values, -np.inf).argmax(axis=2),
        "broken": broken.argmax(axis=2),
    }
    found = _with_points(values, position, places, count=finite.sum(axis=2), total=total)
    found["nonfinite"] = broken.sum(axis=2)
    return found


def _with_points(
    values: Array, position: Array, places: Mapping[str, Array], *, count: Any, total: Array
) -> Array:
    found = np.zeros(values.shape[:2], MEASURE)
    found["count"] = count
    found["mean"] = total / np.maximum(count, 1)
    starts = np.arange(values.shape[1]) * ROWS
    flat, coordinates = values.reshape(len(values), -1), position.reshape(len(POSITION), -1)
    for name, place in places.items():
        at, points = place + starts, found[name]
        points["value"] = np.take_along_axis(flat, at, axis=1)
        for coordinate, numbers in zip(POSITION, coordinates, strict=True):
            points[coordinate] = numbers[at]
    return found


def merge_buckets(parts: Buckets) -> Buckets:
    """Return the coarser buckets that each `FAN` of a whole number of eights make."""
    count = len(parts) // FAN
    inner = parts.measures.reshape(count, FAN, len(MEASURES))
    merged = np.zeros((count, len(MEASURES)), MEASURE)
    finite, broken = inner["count"] > 0, inner["nonfinite"] > 0
    known = finite | broken
    for name in ("count", "nonfinite"):
        merged[name] = inner[name].sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        total = (inner["mean"] * inner["count"]).sum(axis=1)
    merged["mean"] = total / np.maximum(merged["count"], 1)
    places = {
        "first": known.argmax(axis=1),
        "last": FAN - 1 - known[:, ::-1].argmax(axis=1),
        "minimum": np.where(finite, inner["minimum"]["value"], np.inf).argmin(axis=1),
        "maximum": np.where(finite, inner["maximum"]["value"], -np.inf).argmax(axis=1),
        "broken": broken.argmax(axis=1),
    }
    for name, place in places.items():
        merged[name] = np.take_along_axis(inner[name], place[:, None], axis=1)[:, 0]
    return Buckets(parts.first[::FAN], parts.last[FAN - 1 :: FAN], merged)
