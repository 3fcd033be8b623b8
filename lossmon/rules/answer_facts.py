"""Columns of the inputs that hold the target of an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST_AMOUNTS = 30
"""Samples that show whether a column of numbers is the target."""
FEWEST_CLASSES = 64
"""Likewise where the target names classes."""
_EACH = 10
"""Samples that each of two classes must have."""
_MOST_CLASSES = 1000
_FEWEST_DIFFERENT = 10
"""Different amounts without which a target tells too little."""
_HIGH = 0.95
"""What is above it, and what is as far down, may be a few values of another kind."""
_ROUNDED = 1e-4
"""What rounding leaves of a column that was scaled, as a share of its usual span."""

Floats = NDArray[np.float64]


class Answer(NamedTuple):
    """Columns of a table that tell a target in every sample.

    Attributes:
        columns: each of which tells the target; or, of one-hot columns, all of which do so.
        one_hot: whether it takes all of them, each of which tells one class from the others.
        same: whether they hold the target's own numbers, and not others that stand for them.
        amounts: whether the target is an amount, rather than the name of a class.
    """

    columns: tuple[int, ...]
    one_hot: bool
    same: bool
    amounts: bool


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """Where the target of one output stands in one input.

    Attributes:
        output: the output's name; None for the only one.
        input: the input's name; None for the only one.
        answer: its columns there.
        names: what these are called, of tables whose columns have names that tell them apart.
        single: whether that input has one column alone.
        samples: samples that were seen.
        whole: whether these are all the training samples, which are arrays.
    """

    output: str | None
    input: str | None
    answer: Answer
    names: tuple[str, ...] = ()
    single: bool = False
    samples: int = 0
    whole: bool = True


def find_answer(x: Any, y: Any, *, classes: bool, amounts: bool = True) -> Answer | None:
    """Look for columns of a table in which a target can be read.

    Of a target that names classes these are columns that hold one value in each class and another
    one in every class, or such as tell one class from the others, for all classes. Of amounts they
    are columns that are the target but for an origin and a unit, or but for a logarithm besides.

    Args:
        x: `(N, columns)`, numbers of any dtype.
        y: the target of the same samples: `(N,)`, `(N, 1)`, or `(N, classes)` of one-hot rows.
        classes: whether the target names classes; one of two values always does.
        amounts: whether to look for a target that is an amount, too.

    Returns:
        None where no column tells the target, or too few samples would.

    >>> y = np.arange(64) % 2
    >>> find_answer(np.stack([np.arange(64), 5 - y], axis=1), y, classes=True).columns
    (1,)
    """
    inputs, target = np.asarray(x), _as_column(np.asarray(y))
    if target is None or inputs.ndim != 2 or inputs.dtype.kind not in "biuf":
        return None
    if len(inputs) != len(target) or not np.isfinite(target).all():
        return None
    values, named, counts = np.unique(target, return_inverse=True, return_counts=True)
    one_hot: tuple[int, ...] = ()
    if classes or len(values) == 2:
        if not _enough_of_each(counts):
            return None
        each = _telling_classes(inputs, named)
        one_hot = () if each else _telling_one_class_each(inputs, named)
    elif amounts and len(target) >= FEWEST_AMOUNTS and len(values) >= _FEWEST_DIFFERENT:
        each = _telling_amounts(inputs, target)
    else:
        return None
    columns = each or one_hot
    if not columns:
        return None
    own = np.asarray(y).reshape(len(target), -1)
    # One-hot columns are the same where each of them is one of the target's.
    same = all((inputs[:, [column]] == own).all(axis=0).any() for column in columns)
    return Answer(columns, bool(one_hot), same, not (classes or len(values) == 2))


def _as_column(target: NDArray[Any]) -> NDArray[Any] | None:
    """One number a sample; None where the target is more than that."""
    if target.dtype.kind not in "biuf" or target.ndim not in (1, 2) or not len(target):
        return None
    if target.ndim == 1 or target.shape[1] == 1:
        return target.reshape(-1)
    one_hot = ((target == 0) | (target == 1)).all() and (target.sum(axis=1) == 1).all()
    return target.argmax(axis=1) if one_hot else None


def _enough_of_each(counts: NDArray[Any]) -> bool:
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


def _telling_one_class_each(inputs: NDArray[Any], classes: NDArray[Any]) -> tuple[int, ...]:
    """One-hot columns of all classes, or of all but one."""
    alike, values = _one_value_each(inputs, classes)
    if not alike.size:
        return ()
    # Of two values of a column, that which one class alone has.
    least, most = values == values.min(axis=0), values == values.max(axis=0)
    apart = (least | most).all(axis=0) & ((least.sum(axis=0) == 1) | (most.sum(axis=0) == 1))
    alone = np.where(most.sum(axis=0) == 1, most.argmax(axis=0), least.argmax(axis=0))
    told = {*alone[apart].tolist()}
    return tuple(alike[apart].tolist()) if len(told) >= len(values) - 1 else ()


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
        # One huge value, which both have, makes all the others near one another.
        usual = np.subtract(*np.quantile(share, (_HIGH, 1 - _HIGH))) * abs(span)
        close = (span != 0) & (furthest <= _ROUNDED * usual)
    return np.flatnonzero(close).tolist()
