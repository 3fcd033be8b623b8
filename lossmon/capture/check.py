"""`lossmon.check`: what the rules find before anything is trained."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from lossmon.capture.asking import RuleAsker
from lossmon.capture.facts import Look, label_facts, look_at
from lossmon.capture.inputs import input_facts
from lossmon.errors import InvalidArgument
from lossmon.records import Finding
from lossmon.rules import Facts, RuleSelection, rule_selection

# Labels of arrays are read up to this many values per array, of batches for this many seconds.
LABEL_VALUES = 2_000_000
LABEL_SECONDS = 0.5


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
    model: Any, x: Any, y: Any, sample_weight: Any, selection: RuleSelection
) -> list[Finding]:
    """As `check`, with the rules already chosen."""
    if not isinstance(model, keras.Model) or not getattr(model, "compiled", False):
        raise InvalidArgument(
            "expected a compiled keras.Model. "
            f"Received: {type(model).__name__}, compiled={getattr(model, 'compiled', False)}. "
            'Fix: model.compile(optimizer="adam", loss=..., metrics=[...])'
        )
    facts = _facts(model, x, y, sample_weight)
    return [] if facts is None else RuleAsker(selection, _warn)(facts)


def _facts(model: Any, x: Any, y: Any, sample_weight: Any) -> Facts | None:
    if _is_batches(x):
        return _facts_of_batches(model, x)
    x, y, sample_weight = _arrays(x), _arrays(y), _arrays(sample_weight)
    whole, count = _label_bound(y)
    if count is not None:
        y, sample_weight = _head(y, count), _head(sample_weight, count)
    facts = label_facts(look_at(model, x, y), y, sample_weight, complete=whole)
    return replace(facts, inputs=input_facts(model, x))


def _facts_of_batches(model: Any, batches: Any) -> Facts | None:
    facts: Facts | None = None
    look: Look | None = None
    end = time.perf_counter() + LABEL_SECONDS
    for batch in _batches(batches):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        if look is None:
            look = look_at(model, x, y)
            facts = label_facts(look, y, sample_weight)
            facts = replace(facts, inputs=input_facts(model, x))
        elif look.masked or time.perf_counter() > end:
            return facts
        elif facts is not None:
            facts = facts.merge(label_facts(look, y, sample_weight))
    return None if facts is None else replace(facts, complete=True)


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


def _label_bound(y: Any) -> tuple[bool, int | None]:
    """Whether all labels are read, and else how many samples of them."""
    bounds: list[int] = []
    for leaf in keras.tree.flatten(y):
        shape = np.shape(leaf)
        size = int(np.prod(shape))
        if size > LABEL_VALUES:
            bounds.append(max(1, int(shape[0]) * LABEL_VALUES // size))
    return (False, min(bounds)) if bounds else (True, None)


def _head(structure: Any, count: int) -> Any:
    return keras.tree.map_structure(lambda v: v if v is None else v[:count], structure)


def _arrays(structure: Any) -> Any:
    """Tables and lists of numbers become arrays; arrays and tensors stay what they are."""
    if isinstance(structure, list):
        items = keras.tree.flatten(structure)
        if items and not any(hasattr(item, "shape") for item in items):
            return np.asarray(structure)

    def convert(leaf: Any) -> Any:
        plain = leaf is None or isinstance(leaf, np.ndarray) or keras.ops.is_tensor(leaf)
        return leaf if plain else np.asarray(leaf)

    return keras.tree.map_structure(convert, structure)


def _warn(trouble: str) -> None:
    warnings.warn(f"lossmon: {trouble}", RuntimeWarning, stacklevel=2)
