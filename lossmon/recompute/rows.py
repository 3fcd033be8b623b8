"""Rows that do not know of each other: batches put together, large ones taken in slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lossmon.recompute.definitions import Definition
from lossmon.recompute.layout import AnyArray
from lossmon.recompute.rounding import Elements

SLICE = 131_072
"""Scores that are evaluated at once: 1 MiB in float64, which stays in the processor's cache."""


def row_elements(definition: Definition, y_true: AnyArray, y_pred: AnyArray) -> Elements:
    """Evaluate a definition for a batch, slice by slice where it is large and rows stand alone.

    Args:
        definition: bound to its arguments.
        y_true: labels, shape `(N, ...)`.
        y_pred: predictions, shape `(N, ...)`.

    Returns:
        Unreduced values, shape `(N, ...)`, the same as those of the whole batch at once.
    """
    if y_pred.size <= SLICE:
        return definition.elements(y_true, y_pred)
    axes = _row_axes(definition, y_true.shape, y_pred.shape)
    return _of_rows(definition, y_true, y_pred, axes)


def stacked_elements(definition: Definition, y_true: AnyArray, y_pred: AnyArray) -> Elements:
    """Evaluate a definition for K batches of one shape, all at once where rows stand alone.

    Args:
        definition: bound to its arguments.
        y_true: labels, shape `(K, N, ...)`.
        y_pred: predictions, shape `(K, N, ...)`.

    Returns:
        Unreduced values, shape `(K, N, ...)`, the same as those of each batch alone.
    """
    axes = _row_axes(definition, y_true.shape[1:], y_pred.shape[1:])
    if axes and len(y_pred) > 1:
        return _of_rows(definition, y_true, y_pred, axes + 1)
    return _stacked(
        [row_elements(definition, *batch) for batch in zip(y_true, y_pred, strict=True)]
    )


def _row_axes(definition: Definition, true: tuple[int, ...], pred: tuple[int, ...]) -> int:
    """Return how many leading axes of a batch only count rows; 0 where rows do not stand alone.

    Labels of other shapes may broadcast across rows. Axes behind the first stay where an axis of
    length 1 may be dropped from labels, scores or matches.
    """
    if not definition.row_by_row or len(pred) < 2:
        return 0
    rank_below = true == pred[:-1]
    if true not in (pred, (*pred[:-1], 1)) and not (
        rank_below and (definition.by_id or pred[-1] == 1)
    ):
        return 0
    droppable = len(pred) > 2 and (pred[-2] == 1 or (rank_below and pred[-1] == 1))
    return 1 if droppable else len(pred) - 1


def _of_rows(definition: Definition, y_true: AnyArray, y_pred: AnyArray, axes: int) -> Elements:
    """Make one axis of the leading ones, evaluate it slice by slice, and make them again."""
    if not axes:
        return definition.elements(y_true, y_pred)
    leading = y_pred.shape[:axes]
    rows = math.prod(leading)
    true, pred = (side.reshape(rows, *side.shape[axes:]) for side in (y_true, y_pred))
    height = max(SLICE // max(math.prod(pred.shape[1:]), 1), 1)
    first = definition.elements(true[:height], pred[:height])
    whole = first if rows <= height else _room_for(first, rows)
    for start in range(height, rows, height):
        end = start + height
        _put(whole, start, definition.elements(true[start:end], pred[start:end]))
    return Elements(*(_split(values, leading) for values in whole))


def _room_for(first: Elements, rows: int) -> Elements:
    """Make room for as many rows, and put the first slice into it."""
    fields: list[Any] = [
        None if side is None else np.empty((rows, *side.shape[1:]), side.dtype) for side in first
    ]
    room = Elements(*fields)
    _put(room, 0, first)
    return room


def _put(whole: Elements, start: int, part: Elements) -> None:
    for room, side in zip(whole, part, strict=True):
        if room is not None and side is not None:
            room[start : start + len(side)] = side


def _split(values: AnyArray | None, leading: tuple[int, ...]) -> Any:
    return None if values is None else values.reshape(*leading, *values.shape[1:])


def _stacked(parts: Sequence[Elements]) -> Elements:
    """Stack each field of the batches' elements; all have the same fields."""
    fields: list[Any] = [
        None if any(side is None for side in sides) else np.stack(sides)
        for sides in zip(*parts, strict=True)
    ]
    return Elements(*fields)
