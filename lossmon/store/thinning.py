"""Fewer points for the same curve: extremes stay, and values that are not finite."""

from __future__ import annotations

import numpy as np

from lossmon.store.buckets import POINTS, POSITION, Array, Block, Buckets, join_blocks


def bucket_points(buckets: Buckets) -> Block:
    """Return the points that buckets tell of, each known for its own measure alone."""
    measures = buckets.measures
    there = {
        **dict.fromkeys(POINTS, (measures["count"] > 0) | (measures["nonfinite"] > 0)),
        **dict.fromkeys(("minimum", "maximum"), measures["count"] > 0),
        "broken": measures["nonfinite"] > 0,
    }
    points = np.concatenate([measures[name][there[name]] for name in POINTS])
    owners = np.concatenate([np.nonzero(there[name])[1] for name in POINTS])
    known = owners[None, :] == np.arange(measures.shape[1])[:, None]
    position = np.array([points[name] for name in POSITION], np.int64)
    return Block(position, np.where(known, points["value"], np.nan), known)


def one_of_each(blocks: list[Block]) -> Block:
    """Return blocks as one, in order, what is known of the same batch put together."""
    whole = join_blocks(blocks)
    order = np.lexsort(whole.position[::-1])
    whole = whole.part(order)
    new = np.concatenate([[True], (np.diff(whole.position) != 0).any(axis=0)])[: len(whole)]
    place = np.cumsum(new) - 1
    values = np.full((len(whole.values), int(new.sum())), np.nan)
    known = np.zeros(values.shape, np.bool_)
    owner, row = np.nonzero(whole.known)
    values[owner, place[row]] = whole.values[owner, row]
    known[owner, place[row]] = True
    return Block(whole.position[:, new], values, known)


def thinned(block: Block, max_points: int) -> Block:
    """Return at most `max_points` rows.

    The rows are cut into spans of equal length. Of each span those rows stay in which one of the
    measures has its least or greatest value or is first not finite, and the last row.
    """
    total = len(block)
    if total <= max_points:
        return block
    spans = max(1, max_points // (3 * len(block.values) + 1))
    ends = np.arange(1, spans + 1) * total // spans
    kept = {int(end) - 1 for end in ends}
    for values, known in zip(block.values, block.known, strict=True):
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            within = slice(start, end)
            kept.update(int(start) + row for row in _extremes(values[within], known[within]))
    return block.part(np.array(sorted(kept), np.int64))


def _extremes(values: Array, known: Array) -> set[int]:
    """The places of the least and the greatest finite value, and of the first that is not."""
    finite = np.flatnonzero(known & np.isfinite(values))
    broken = np.flatnonzero(known & ~np.isfinite(values))
    places = {int(broken[0])} if len(broken) else set[int]()
    if len(finite):
        places |= {int(finite[values[finite].argmin()]), int(finite[values[finite].argmax()])}
    return places
