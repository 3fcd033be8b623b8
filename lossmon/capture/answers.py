"""Looks for the targets of a model among its inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from lossmon.capture.arrays import to_numpy
from lossmon.capture.inputs import named_leaves
from lossmon.capture.resolve import ResolvedOutput, split_outputs
from lossmon.capture.spread import samples_within, spread_rows, taken
from lossmon.rules import AnswerFacts, describe_answer

# Values of each input that are looked at.
SEEN_VALUES = 2**18


def answers_among(
    model: Any, resolved: Sequence[ResolvedOutput], y_pred: Any, x: Any, y: Any
) -> tuple[AnswerFacts, ...]:
    """Find columns of the inputs that tell a target.

    Args:
        model: a built model.
        resolved: its outputs.
        y_pred: predictions, which tell how targets are nested.
        x: its inputs, nested as given to `fit`.
        y: its targets, likewise, or None.

    Returns:
        One for each input and output of which that was seen. Nothing of inputs that are no tables
        or columns, or where a model has a single column of input: what is learned may be just that.
    """
    inputs = named_leaves(model, x) or []
    tables = [(name, leaf) for name, leaf in inputs if _columns(leaf) is not None]
    alone = len(inputs) == 1 and _columns(inputs[0][1]) == 1
    if y is None or alone or not tables:
        return ()
    leaves = [leaf for _, leaf in tables]
    rows = spread_rows(samples_within(sys.maxsize, leaves), samples_within(SEEN_VALUES, leaves))
    targets = [part for part, _, _ in split_outputs(resolved, taken(y, rows), y_pred, None)]
    return tuple(_found(tables, rows, resolved, targets))


def _found(
    tables: Sequence[tuple[str | None, Any]],
    rows: Any,
    resolved: Sequence[ResolvedOutput],
    targets: Sequence[Any],
) -> Iterator[AnswerFacts]:
    for name, leaf in tables:
        values = to_numpy(taken(leaf, rows))
        for output, target in zip(resolved, targets, strict=True):
            labels = to_numpy(target)
            if values is None or labels is None:
                continue
            facts = describe_answer(values, labels, output=output.record.name, name=name)
            if facts is not None:
                yield replace(facts, names=_names(leaf, facts.columns))


def _columns(leaf: Any) -> int | None:
    """How many columns a table has, 1 of a plain column; None of what is neither."""
    sizes = tuple(leaf.shape)
    if len(sizes) not in (1, 2) or None in sizes:
        return None
    return int(sizes[1]) if len(sizes) == 2 else 1


def _names(leaf: Any, columns: Sequence[int]) -> tuple[str, ...]:
    named = getattr(leaf, "columns", None)
    return () if named is None else tuple(str(named[column]) for column in columns)
