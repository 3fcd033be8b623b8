"""Looks for the targets of a model among its inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.inputs import leads_to, named_leaves
from lossmon.capture.resolve import ResolvedOutput, split_outputs
from lossmon.capture.spread import Rows, samples_within, spread_rows, taken
from lossmon.rules import Answer, AnswerFacts, find_answer
from lossmon.rules.families import CLASSIFICATION_LOSSES

# Values of the tables that are looked at, of samples from all over them, and the fewest samples
# of wide ones; a column that tells the target there is looked at in all samples.
SEEN_VALUES = 2**18
FEWEST_SAMPLES = 256
MOST_COLUMNS = 2**15
# Samples of one batch that show it: a column that only foretells a class may agree in fewer.
FEWEST_OF_BATCH = 512


class _Table(NamedTuple):
    """An input that is a table or a column."""

    name: str | None
    leaf: Any
    columns: int
    place: int


class _Target(NamedTuple):
    """The labels of an output, and whether they name classes."""

    output: ResolvedOutput
    labels: Any
    classes: bool


def answers_among(
    model: Any, resolved: Sequence[ResolvedOutput], y_pred: Any, x: Any, y: Any, *, whole: bool
) -> tuple[AnswerFacts, ...]:
    """Find columns of the inputs that tell a target.

    Args:
        model: a built model.
        resolved: its outputs.
        y_pred: predictions, which tell how targets are nested.
        x: its inputs, nested as given to `fit`.
        y: its targets, likewise, or None.
        whole: whether these are all the training samples, as arrays, rather than a batch.

    Returns:
        One for each input and output of which that was seen. Nothing of inputs that are no tables
        or columns or do not lead to the output, of a model with a single column of input, which
        may be just what is learned from, and of models whose outputs all are their inputs.
    """
    try:
        return tuple(_answers(model, resolved, y_pred, x, y, whole=whole))
    except Exception:
        # Data may be of anyone's own making, and this is no reason not to judge the rest.
        return ()


def _answers(
    model: Any, resolved: Sequence[ResolvedOutput], y_pred: Any, x: Any, y: Any, *, whole: bool
) -> Iterator[AnswerFacts]:
    tables, targets = _tables(model, x), _targets(resolved, y, y_pred)
    columns = sum(table.columns for table in tables)
    if not targets or not tables or columns > MOST_COLUMNS:
        return
    rows = _rows(tables, targets)
    named = any(_have_names(table.leaf) for table in tables)
    joined = _joined(tables, rows)
    seen = [(target, _read(target.labels, rows)) for target in targets]
    if joined is None:
        return
    if len(targets) == len(resolved) > 1 and all(_is_among(*one, joined) for one in seen):
        return
    for target, labels in seen:
        if labels is not None:
            # Of amounts in columns without names nothing is said.
            answer = find_answer(joined, labels, classes=target.classes, amounts=named)
            if answer is not None and (whole or answer.amounts or len(labels) >= FEWEST_OF_BATCH):
                yield from _by_input(model, tables, answer, target, len(labels), whole=whole)


def _by_input(
    model: Any,
    tables: Sequence[_Table],
    answer: Answer,
    target: _Target,
    seen: int,
    *,
    whole: bool,
) -> Iterator[AnswerFacts]:
    """What each input has of the columns that tell a target."""
    first = 0
    for table in tables:
        own = [c - first for c in answer.columns if first <= c < first + table.columns]
        first += table.columns
        if not own or (answer.one_hot and len(own) < len(answer.columns)):
            continue
        if not leads_to(model, table.place, target.output.position):
            continue
        told = _looked_through(table, own, target) if whole else answer._replace(columns=(*own,))
        if told is not None:
            yield AnswerFacts(
                output=target.output.record.name,
                input=table.name,
                answer=told,
                names=_names(table.leaf, told.columns),
                single=table.columns == 1,
                samples=int(table.leaf.shape[0]) if whole else seen,
                whole=whole,
            )


def _tables(model: Any, x: Any) -> list[_Table]:
    """The inputs that are tables or columns; none where a single column is all there is."""
    inputs = named_leaves(model, x) or []
    tables = [
        _Table(name, leaf, columns, place)
        for place, (name, leaf) in enumerate(inputs)
        if (columns := _columns(leaf)) is not None
    ]
    return [] if len(inputs) == 1 and [one.columns for one in tables] == [1] else tables


def _targets(resolved: Sequence[ResolvedOutput], y: Any, y_pred: Any) -> list[_Target]:
    """The labels of the outputs that have one number a sample, or a row of them."""
    if y is None:
        return []
    parts = split_outputs(resolved, y, y_pred, None)
    return [
        _Target(output, labels, _names_classes(output))
        for output, (labels, _, _) in zip(resolved, parts, strict=True)
        if labels is not None and _columns(labels) is not None
    ]


def _looked_through(table: _Table, columns: Sequence[int], target: _Target) -> Answer | None:
    """The answer among these columns in all samples, counted as the table does."""
    cut = _cut(table.leaf, columns)
    labels = to_numpy(target.labels)
    if cut is None or labels is None:
        return None
    found = find_answer(cut.reshape(len(cut), -1), labels, classes=target.classes)
    if found is None:
        return None
    return found._replace(columns=tuple(columns[column] for column in found.columns))


def _cut(leaf: Any, columns: Sequence[int]) -> NDArray[Any] | None:
    if len(leaf.shape) == 1:
        return to_numpy(leaf)
    # A table of pandas has its columns apart, and is not copied whole.
    values = getattr(leaf, "iloc", None) or to_numpy(leaf)
    return None if values is None else to_numpy(values[:, [*columns]])


def _joined(tables: Sequence[_Table], rows: Rows) -> NDArray[Any] | None:
    """The columns of all tables beside one another."""
    parts = [_read(table.leaf, rows) for table in tables]
    if any(part is None or part.dtype.kind not in "biuf" for part in parts):
        return None
    return np.column_stack([part for part in parts if part is not None])


def _read(leaf: Any, rows: Rows) -> NDArray[Any] | None:
    return to_numpy(taken(leaf, rows))


def _rows(tables: Sequence[_Table], targets: Sequence[_Target]) -> Rows:
    leaves = [*(table.leaf for table in tables), *(target.labels for target in targets)]
    columns = sum(_columns(leaf) or 0 for leaf in leaves)
    count = max(FEWEST_SAMPLES, SEEN_VALUES // max(1, columns))
    return spread_rows(samples_within(sys.maxsize, leaves), count)


def _names_classes(output: ResolvedOutput) -> bool:
    loss = output.record.loss
    return loss is not None and not loss.custom and loss.name in CLASSIFICATION_LOSSES


def _is_among(target: _Target, labels: NDArray[Any] | None, inputs: NDArray[Any]) -> bool:
    """Whether a target is among the inputs, column by column or as classes are."""
    if labels is None or labels.ndim not in (1, 2):
        return False
    if find_answer(inputs, labels, classes=target.classes) is not None:
        return True
    own = labels.reshape(len(labels), -1)
    return all((inputs == own[:, place, None]).all(axis=0).any() for place in range(own.shape[1]))


def _columns(leaf: Any) -> int | None:
    """How many columns a table has, 1 of a plain column; None of what is neither, or a file."""
    sizes = tuple(leaf.shape)
    if len(sizes) not in (1, 2) or None in sizes or isinstance(leaf, np.memmap):
        return None
    if hasattr(leaf, "dense_shape") or not (
        isinstance(leaf, np.ndarray) or hasattr(leaf, "iloc") or keras.ops.is_tensor(leaf)
    ):
        return None
    return int(sizes[1]) if len(sizes) == 2 else 1


def _have_names(leaf: Any) -> bool:
    return any(isinstance(name, str) for name in getattr(leaf, "columns", ()))


def _names(leaf: Any, columns: Sequence[int]) -> tuple[str, ...]:
    """What columns are called, where each of them can be told by its name."""
    named = [*getattr(leaf, "columns", ())]
    own = [named[column] for column in columns] if named else []
    clear = all(isinstance(name, str) and named.count(name) == 1 for name in own)
    return tuple(own) if clear else ()
