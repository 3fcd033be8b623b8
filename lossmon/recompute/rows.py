"""Rows that do not know of each other: batches put together, large ones taken in slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lossmon.recompute.definitions import Definition
from lossmon.recompute.layout import SLICE, AnyArray, slices
from lossmon.recompute.rounding import Elements


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
    if len(y_pred) == 1:
        return _each(row_elements(definition, y_true[0], y_pred[0]), lambda values: values[None])
    axes = _row_axes(definition, y_true.shape[1:], y_pred.shape[1:])
    if axes:
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
    per_row = rank_below and (definition.by_id or (definition.aligned and pred[-1] == 1))
    if not per_row and true not in (pred, (*pred[:-1], 1)):
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
    first, *rest = slices(rows, math.prod(pred.shape[1:])) if rows else [slice(0)]
    found = definition.elements(true[first], pred[first])
    whole = _room_for(found, rows) if rest else found
    for part in rest:
        _put(whole, part, definition.elements(true[part], pred[part]))
    return _each(whole, lambda values: values.reshape(*leading, *values.shape[1:]))


def _room_for(first: Elements, rows: int) -> Elements:
    """Make room for as many rows, and put the first slice into it."""
    room = _each(first, lambda values: np.empty((rows, *values.shape[1:]), values.dtype))
    _put(room, slice(len(first.values)), first)
    return room


def _put(whole: Elements, rows: slice, part: Elements) -> None:
    for room, values in zip(whole, part, strict=True):
        if room is not None and values is not None:
            room[rows] = values


def _each(elements: Elements, change: Callable[[AnyArray], AnyArray]) -> Elements:
    """Change each field that is there."""
    fields: list[Any] = [None if values is None else change(values) for values in elements]
    return Elements(*fields)


def _stacked(parts: Sequence[Elements]) -> Elements:
    """Stack each field of the batches' elements; all have the same fields."""
    fields: list[Any] = [
        None if any(side is None for side in sides) else np.stack(sides)
        for sides in zip(*parts, strict=True)
    ]
    return Elements(*fields)
