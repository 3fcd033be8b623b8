"""Columns of an input that hold the target of an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_AMOUNTS = 30
"""Samples that show whether a column of numbers is the target."""
FEWEST_CLASSES = 64
"""Likewise where the target names classes, which a column may tell in so many samples by chance."""
_EACH = 10
"""Samples that each of two classes must have."""
_MOST_CLASSES = 100
_FEWEST_DIFFERENT = 10
"""Different amounts without which a target tells too little."""
_ROUNDED = 1e-4
"""What rounding leaves of a column that was scaled, as a share of its span."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """Columns of one input that tell the target of one output in every sample that was seen.

    Attributes:
        output: the output's name; None for the only one.
        input: the input's name; None for the only one.
        columns: the columns, each of which tells the target; or all of which do so together.
        names: what they are called, of tables whose columns have names.
        single: whether that input has one column alone.
        together: whether it takes all of these columns.
        same: whether they hold the target's own numbers, and not others that stand for them.
        amounts: whether the target is an amount, rather than the name of a class.
        samples: samples that were seen.
    """

    output: str | None
    input: str | None
    columns: tuple[int, ...]
    names: tuple[str, ...] = ()
    single: bool = False
    together: bool = False
    same: bool = False
    amounts: bool = False
    samples: int = 0


def describe_answer(
    x: Any, y: Any, *, output: str | None = None, name: str | None = None
) -> AnswerFacts | None:
    """Look for columns of an input in which the target can be read.

    Of a target that names classes these are columns that hold one value in each class: another one
    in every class, or others together. Of amounts they are columns that are the target but for an
    origin and a unit, or but for a logarithm besides.

    Args:
        x: an input, `(N, columns)` or `(N,)`, numbers of any dtype.
        y: the target of the same samples: `(N,)`, `(N, 1)`, or `(N, classes)` of one-hot rows.
        output: the output's name; None for the only one.
        name: the input's name; None for the only one.

    Returns:
        None where no column tells the target, or too few samples would.

    >>> y = np.arange(64) % 2
    >>> describe_answer(np.stack([np.arange(64), 5 - y], axis=1), y).columns
    (1,)
    """
    inputs, target = np.asarray(x), _as_column(np.asarray(y))
    if target is None or inputs.ndim not in (1, 2) or inputs.dtype.kind not in "biuf":
        return None
    inputs = inputs[:, None] if inputs.ndim == 1 else inputs
    if len(inputs) != len(target) or not np.isfinite(target).all():
        return None
    values, classes, counts = np.unique(target, return_inverse=True, return_counts=True)
    amounts = not _names_classes(counts)
    if not amounts:
        each = _telling_classes(inputs, classes)
        columns = each or _telling_together(inputs, classes)
    elif len(target) >= FEWEST_AMOUNTS and len(values) >= _FEWEST_DIFFERENT:
        columns = each = _telling_amounts(inputs, target)
    else:
        return None
    if not columns:
        return None
    return AnswerFacts(
        output,
        name,
        columns,
        single=inputs.shape[1] == 1,
        together=not each,
        same=all(np.array_equal(inputs[:, column], target) for column in columns),
        amounts=amounts,
        samples=len(target),
    )


def _as_column(target: NDArray[Any]) -> NDArray[Any] | None:
    """One number a sample; None where the target is more than that."""
    if target.dtype.kind not in "biuf" or target.ndim not in (1, 2) or not len(target):
        return None
    if target.ndim == 1 or target.shape[1] == 1:
        return target.reshape(-1)
    one_hot = ((target == 0) | (target == 1)).all() and (target.sum(axis=1) == 1).all()
    return target.argmax(axis=1) if one_hot else None


def _names_classes(counts: NDArray[Any]) -> bool:
    several = 1 < len(counts) <= _MOST_CLASSES and int(np.sort(counts)[-2]) >= _EACH
    return several and int(counts.sum()) >= FEWEST_CLASSES


def _one_value_each(
    inputs: NDArray[Any], classes: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Columns that hold one value in each class, and these values, `(classes, columns)`."""
    _, first = np.unique(classes, return_index=True)
    alike = np.flatnonzero((inputs == inputs[first[classes]]).all(axis=0))
    return alike, inputs[np.ix_(first, alike)]


def _telling_classes(inputs: NDArray[Any], classes: NDArray[Any]) -> tuple[int, ...]:
    alike, values = _one_value_each(inputs, classes)
    ascending = np.sort(values, axis=0)
    return tuple(alike[(ascending[1:] != ascending[:-1]).all(axis=0)].tolist())


def _telling_together(inputs: NDArray[Any], classes: NDArray[Any]) -> tuple[int, ...]:
    alike, values = _one_value_each(inputs, classes)
    varying = (values != values[:1]).any(axis=0)
    different = np.unique(values[:, varying], axis=0) if varying.any() else values[:1]
    return tuple(alike[varying].tolist()) if len(different) == len(values) else ()


def _telling_amounts(inputs: NDArray[Any], target: NDArray[Any]) -> tuple[int, ...]:
    amounts = target.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        forms = (amounts, np.exp(amounts), np.log(amounts), np.log1p(amounts))
    values = inputs.astype(np.float64)
    found = {column for form in forms for column in _straight(values, form)}
    return tuple(sorted(found))


def _straight(values: Floats, amounts: Floats) -> list[int]:
    """Columns that are a multiple of these amounts and a constant, but for rounding."""
    if not np.isfinite(amounts).all():
        return []
    least, most = int(amounts.argmin()), int(amounts.argmax())
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        share = (amounts - amounts[least]) / (amounts[most] - amounts[least])
        span = values[most] - values[least]
        furthest = abs(values - (values[least] + share[:, None] * span)).max(axis=0)
        close = (span != 0) & (furthest <= _ROUNDED * abs(span))
    return np.flatnonzero(close).tolist()
