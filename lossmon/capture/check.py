"""`lossmon.check`: what the rules find before anything is trained."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from lossmon.capture.argument_names import with_names_checked
from lossmon.capture.arrays import table_to_numpy
from lossmon.capture.asking import RuleAsker
from lossmon.capture.data_facts import facts_of_arrays, facts_of_batches
from lossmon.capture.pristine import pristine
from lossmon.capture.validation_facts import split_arguments, with_validation
from lossmon.errors import InvalidArgument
from lossmon.records import Finding
from lossmon.rules import Facts, RuleSelection, rule_selection

# Sparse matrices are made dense up to so many values: 256 MiB of float32.
_DENSE_VALUES = 2**26


@with_names_checked("check")
def check(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    rules: Iterable[str] | Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Judge a compiled model with its data, without training it.

    Nothing is assigned to the model; one that was never called is built, as `fit` would.

    Args:
        model: a compiled `keras.Model`.
        x: inputs as for `fit`: arrays (nested for several inputs), a `tf.data.Dataset`, a
            `PyDataset` or another iterable of batches that can be gone through again.
        y: targets as for `fit`; None where `x` brings them or there are none.
        sample_weight: weights as for `fit`, or None.
        rules: codes or names of the rules to ask, or what to select, ignore and how grave findings
            are to be, as for `Monitor`.

    Returns:
        The findings, gravest first; none for a correct program.

    Raises:
        InvalidArgument: the model is not compiled, `x` can be gone through only once, or `rules`
            names a rule that does not exist.
    """
    return checked(model, x, y, sample_weight, rule_selection(("check(rules=…)", rules)))


def checked(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    selection: RuleSelection,
    *,
    fit: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """As `check`, with the rules already chosen, and all arguments of `fit` where it is called."""
    _demand_compiled(model)
    facts = _facts(model, x, y, sample_weight)
    if facts is not None and fit is not None:
        facts = _with_validation(facts, model, fit)
    return _ask(facts, selection)


def checked_batches(
    model: Any, batches: Iterable[Any], selection: RuleSelection, fit: Mapping[str, Any]
) -> list[Finding]:
    """As `checked`, with batches that may be used up: those of an epoch at most."""
    _demand_compiled(model)
    with pristine(model):
        facts = facts_of_batches(model, batches)
    return _ask(None if facts is None else _with_validation(facts, model, fit), selection)


def _with_validation(facts: Facts, model: Any, fit: Mapping[str, Any]) -> Facts:
    try:
        with pristine(model):
            return with_validation(facts, model, split_arguments(fit))
    except Exception as error:
        # Keras takes them or not, in its own words; the training data were looked at.
        _warn(f"the validation data could not be looked at: {error!r}")
        return facts


def _demand_compiled(model: Any) -> None:
    if not isinstance(model, keras.Model) or not getattr(model, "compiled", False):
        raise InvalidArgument(
            "expected a compiled keras.Model. "
            f"Received: {type(model).__name__}, compiled={getattr(model, 'compiled', False)}. "
            'Fix: model.compile(optimizer="adam", loss=..., metrics=[...])'
        )


def _ask(facts: Facts | None, selection: RuleSelection) -> list[Finding]:
    return [] if facts is None else RuleAsker(selection, _warn)(facts)


def _facts(model: Any, x: Any, y: Any, sample_weight: Any) -> Facts | None:
    with pristine(model):
        if _is_batches(x):
            return facts_of_batches(model, _batches(x))
        tables = _arrays(x, tables=True)
        return facts_of_arrays(model, _arrays(tables), _arrays(y), _arrays(sample_weight), tables)


def _is_batches(x: Any) -> bool:
    if isinstance(x, keras.utils.PyDataset):
        return True
    if hasattr(x, "__next__"):
        raise InvalidArgument(
            "expected data that can be gone through more than once, because checking must not use "
            f"up training data. Received: {type(x).__name__}. Fix: check(model, *next(make_data()))"
        )
    arrays = isinstance(x, (list, tuple, dict)) or hasattr(x, "shape") or keras.ops.is_tensor(x)
    return not arrays and isinstance(x, Iterable)


def _batches(x: Any) -> Iterator[Any]:
    if not isinstance(x, keras.utils.PyDataset):
        return iter(x)
    return (x[i] for i in _indices(x))


def _indices(dataset: Any) -> Iterator[int]:
    count = dataset.num_batches
    return itertools.count() if count is None else iter(range(count))


def _arrays(structure: Any, *, tables: bool = False) -> Any:
    """Tables and lists of numbers become arrays; arrays and tensors stay, and tables if asked."""
    if isinstance(structure, list):
        items = keras.tree.flatten(structure)
        if items and not any(hasattr(item, "shape") for item in items):
            return np.asarray(structure)

    def convert(leaf: Any) -> Any:
        if hasattr(leaf, "toarray") and hasattr(leaf, "nnz"):
            return _dense(leaf)
        plain = leaf is None or isinstance(leaf, np.ndarray) or keras.ops.is_tensor(leaf)
        if plain or (tables and hasattr(leaf, "iloc")):
            return leaf
        return table_to_numpy(leaf) if hasattr(leaf, "iloc") else np.asarray(leaf)

    return keras.tree.map_structure(convert, structure)


def _warn(trouble: str) -> None:
    warnings.warn(f"lossmon: {trouble}", RuntimeWarning, stacklevel=2)


def _dense(sparse: Any) -> Any:
    """The array of a SciPy matrix, unless that takes more memory than anyone would expect."""
    values = math.prod(sparse.shape)
    if values > _DENSE_VALUES:
        rows = max(1, _DENSE_VALUES // max(1, values // max(1, sparse.shape[0])))
        raise InvalidArgument(
            f"expected sparse data of at most {_DENSE_VALUES:,} values with the zeros, as they are "
            f"made dense. Received: {values:,}. Fix: check(model, x[:{rows}], y[:{rows}])"
        )
    return sparse.toarray()
