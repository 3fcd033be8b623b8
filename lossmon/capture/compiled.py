"""The losses and metrics that `compile` was given, as Keras resolved them or would.

Where the model has been used, Keras' own objects are read. Else the same are made from the same
arguments and shapes, aside, so that the model stays as it is (Keras 3, `compile_utils.py`).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common.global_state import get_global_attribute

from lossmon.capture.specs import alias_of, metric_spec
from lossmon.records import MetricSpec

Path = tuple[Any, ...]


def flat_losses(model: Any, y: Any, y_pred: Any) -> list[Any]:
    """The losses that `compile` was given, one entry per output that has one.

    Args:
        model: a compiled `keras.Model`.
        y: targets, nested as given to `fit`, or None.
        y_pred: predictions, nested as the model returns them.

    Returns:
        Keras' own entries, with `path` into the outputs, `loss`, `loss_weights` and `name`.
    """
    compiled = getattr(model, "_compile_loss", None)
    if compiled is None:
        return []
    if compiled.built:
        return list(compiled._flat_losses)
    with _unnumbered():
        fresh = type(compiled)(
            compiled._user_loss, compiled._user_loss_weights, output_names=compiled.output_names
        )
        fresh.build(_shaped_like_outputs(fresh, y, y_pred), y_pred)
    return list(fresh._flat_losses)


@contextmanager
def _unnumbered() -> Generator[None]:
    """Take no number from the names that Keras gives: its own `precision` were `precision_1`."""
    numbers = get_global_attribute("object_name_uids")
    before = dict(numbers or {})
    try:
        yield
    finally:
        numbers = get_global_attribute("object_name_uids")
        if numbers is not None:
            numbers.clear()
            numbers.update(before)


def _shaped_like_outputs(compiled: Any, y: Any, y_pred: Any) -> Any:
    """The targets in the structure of the outputs, as `CompileLoss.call` packs them."""
    count = len(keras.tree.flatten(y_pred))
    if not keras.tree.is_nested(y_pred):
        leaves = keras.tree.flatten(y)
        return leaves[0] if len(leaves) == 1 else y
    names = sorted(y_pred) if isinstance(y_pred, dict) else compiled.output_names
    if isinstance(y, dict) and names and set(y) <= set(names):
        leaves = [y.get(name) for name in names]
    else:
        leaves = keras.tree.flatten(y)
    if len(leaves) != count:
        wanted = keras.tree.flatten(compiled._user_loss)
        given = iter(leaves)
        leaves = [None if loss is None else next(given, None) for loss in wanted]
    leaves = (leaves + [None] * count)[:count]
    return keras.tree.pack_sequence_as(y_pred, leaves)


def loss_at(losses: list[Any], path: Path) -> Any:
    """The entry that acts on the output at `path`; the first of several, as Keras does."""
    return next((entry for entry in losses if tuple(entry.path) == path), None)


def loss_key(losses: list[Any], entry: Any) -> str | None:
    """The key that Keras prints this entry's loss under; empty where it prints another's there.

    The outputs of a subclassed model have no names: losses of one name get one key, and what is
    printed is the last of them.
    """
    if entry is None:
        return None
    if len(losses) == 1:
        return "loss"
    last = next(other for other in reversed(losses) if other.name == entry.name)
    return f"{entry.name}_loss" if last is entry else ""


def flat_metrics(model: Any, y: Any, y_pred: Any, count: int) -> list[list[tuple[MetricSpec, Any]]]:
    """The metrics of every output, as live objects with their specs.

    Args:
        model: a compiled `keras.Model`.
        y: targets, nested as given to `fit`; without them Keras calls no metric.
        y_pred: predictions, nested as the model returns them.
        count: number of outputs.

    Returns:
        Per output, in Keras' order; `metrics` before `weighted_metrics`, with the keys that
        `CompileMetrics.result` gives them.
    """
    found: list[list[tuple[MetricSpec, Any]]] = [[] for _ in range(count)]
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None or y is None:
        return found
    if not compiled.built:
        with _unnumbered():
            compiled = type(compiled)(
                compiled._user_metrics,
                compiled._user_weighted_metrics,
                output_names=compiled.output_names,
            )
            compiled.build(y, y_pred)
    written = keras.tree.flatten([compiled._user_metrics, compiled._user_weighted_metrics])
    seen: dict[str, int] = {}
    for weighted in (False, True):
        groups = compiled._flat_weighted_metrics if weighted else compiled._flat_metrics
        for position, group in enumerate(groups):
            for metric in group.metrics if group else ():
                key = _log_key(metric.name, group.output_name, seen, weighted=weighted)
                spec = metric_spec(metric, key, weighted=weighted, alias=alias_of(metric, written))
                found[position].append((spec, metric))
    return found


def _log_key(name: str, output: str | None, seen: dict[str, int], *, weighted: bool) -> str:
    prefix = f"{output}_" if output else ""
    key = f"{prefix}{name}"
    if weighted and key in seen:
        key = f"{prefix}weighted_{name}"
    if key not in seen:
        seen[key] = 1
        return key
    seen[key] += 1
    return f"{key}_{seen[key] - 1}"
