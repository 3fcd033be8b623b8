"""Which loss and which metrics act on which output of a compiled model.

`model.compile(metrics=["accuracy"])` holds words; Keras turns them into objects from the shapes of
the first batch, and packs targets and weights into the structure of the outputs. This finds out
what it made of them, output by output.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from lossmon.capture.compiled import Path, flat_losses, flat_metrics, loss_at, loss_key
from lossmon.capture.output_range import fitted_head, known_activation, producing_layer
from lossmon.capture.specs import accuracy_index, loss_spec
from lossmon.records import OutputRecord


@dataclass(frozen=True, slots=True)
class ResolvedOutput:
    """One output of a model, with the live Keras objects that act on it.

    Attributes:
        record: what is stored of it.
        path: keys that lead to it in the model's output structure; () for a lone tensor.
        position: its place among the flattened outputs, in Keras' order.
        several: whether the model has more than one output.
        output_names: the names of all outputs, in order, where Keras uses them to pick targets.
        loss_positions: the positions of the outputs that have a loss.
        loss_key: the key that Keras prints this output's loss under; empty where it prints none.
        loss_object: the `keras.losses.Loss`, or None.
        metric_objects: the `keras.metrics.Metric`s, aligned with `record.metrics`.
        fitted_head: what `output_range.fitted_head` says of it.
    """

    record: OutputRecord
    path: Path
    position: int
    several: bool
    output_names: tuple[str, ...] | None
    loss_positions: tuple[int, ...]
    loss_key: str | None
    loss_object: Any
    metric_objects: tuple[Any, ...]
    fitted_head: bool | None

    @property
    def accuracy_object(self) -> Any:
        """The metric object that `record.accuracy_metric` describes, or None."""
        pairs = zip(self.record.metrics, self.metric_objects, strict=True)
        return next((metric for spec, metric in pairs if spec == self.record.accuracy_metric), None)


def resolve(model: Any, y: Any, y_pred: Any) -> list[ResolvedOutput]:
    """Find the loss and the metrics of every output, in Keras' order of outputs.

    Only structure, shapes and dtypes of `y` and `y_pred` are used, so they may be symbolic. The
    model is not changed.

    Args:
        model: a compiled `keras.Model`.
        y: the targets of a batch, nested as given to `fit`; None where there are none.
        y_pred: the model's outputs for it, nested as the model returns them.

    Returns:
        One entry per output.
    """
    paths, names = _output_paths(model, y_pred)
    losses = flat_losses(model, y, y_pred)
    metrics = flat_metrics(model, y, y_pred, len(paths))
    symbolic = _symbolic_outputs(model, y_pred)
    leaves = {tuple(p): (i, t) for i, (p, t) in enumerate(_flatten_with_path(y_pred))}
    with_loss = tuple(i for i, path in enumerate(paths) if loss_at(losses, path) is not None)
    record_names = _record_names(names, paths)
    resolved: list[ResolvedOutput] = []
    for position, path in enumerate(paths):
        index, tensor = leaves[path]
        entry = loss_at(losses, path)
        specs = tuple(spec for spec, _ in metrics[position])
        accuracy = accuracy_index(specs)
        origin = None if symbolic is None else symbolic[index]
        record = OutputRecord(
            name=record_names[position],
            layer=producing_layer(origin),
            shape=_static_shape(tensor if origin is None else origin),
            dtype=keras.backend.standardize_dtype(tensor.dtype),
            activation=known_activation(origin),
            loss=None if entry is None else loss_spec(entry.loss),
            loss_weight=None if entry is None else entry.loss_weights,
            accuracy_metric=None if accuracy is None else specs[accuracy],
            metrics=specs,
        )
        resolved.append(
            ResolvedOutput(
                record=record,
                path=path,
                position=position,
                several=len(paths) > 1,
                output_names=names,
                loss_positions=with_loss,
                loss_key=loss_key(losses, entry),
                loss_object=None if entry is None else entry.loss,
                metric_objects=tuple(metric for _, metric in metrics[position]),
                fitted_head=fitted_head(origin),
            )
        )
    return resolved


def split_outputs(
    resolved: Sequence[ResolvedOutput], y: Any, y_pred: Any, sample_weight: Any
) -> list[tuple[Any, Any, Any]]:
    """Pick each output's targets, predictions and weights, as Keras does.

    Args:
        resolved: what `resolve` returned.
        y: targets, nested as given to `fit`.
        y_pred: predictions, nested as the model returns them.
        sample_weight: None, one array for all outputs, or nested like the targets.

    Returns:
        (y_true, y_pred, sample_weight) per output; None for what is not there.
    """
    if not resolved:
        return []
    weights = _leaves_by_output(resolved, sample_weight)
    if len([w for w in weights if w is not None]) == 1 and len(resolved) > 1:
        lone = keras.tree.flatten(sample_weight)
        weights = lone * len(resolved) if len(lone) == 1 else weights
    targets = _leaves_by_output(resolved, y)
    predictions = [_at(y_pred, output.path) for output in resolved]
    return list(zip(targets, predictions, weights, strict=True))


def _leaves_by_output(resolved: Sequence[ResolvedOutput], values: Any) -> list[Any]:
    """The leaves of a structure given beside the outputs, one per output, None where missing."""
    if values is None:
        return [None] * len(resolved)
    names = resolved[0].output_names
    if isinstance(values, dict) and names and set(values) <= set(names):
        return [values.get(name) for name in names]
    paths = [output.path for output in resolved]
    if all(_has(values, path) for path in paths):
        return [_at(values, path) for path in paths]
    leaves = keras.tree.flatten(values)
    if len(leaves) == len(resolved):
        return leaves
    positions = resolved[0].loss_positions
    if len(leaves) == len(positions):
        by_position = dict(zip(positions, leaves, strict=True))
        return [by_position.get(i) for i in range(len(resolved))]
    return [leaves[i] if i < len(leaves) else None for i in range(len(resolved))]


def _output_paths(model: Any, y_pred: Any) -> tuple[list[Path], tuple[str, ...] | None]:
    """Paths of the outputs in the order in which Keras judges them, and their names."""
    paths = [tuple(path) for path, _ in _flatten_with_path(y_pred)]
    names = getattr(model, "output_names", None)
    flat = keras.tree.is_nested(y_pred) and len(y_pred) == len(paths)
    if flat and isinstance(y_pred, dict):
        keys = list(names) if names and set(names) == set(y_pred) else [p[0] for p in paths]
        return [(key,) for key in keys], tuple(keys)
    return paths, tuple(names) if names and len(names) == len(paths) else None


def _record_names(names: tuple[str, ...] | None, paths: Sequence[Path]) -> list[str | None]:
    """What the outputs are recorded under; a lone output needs no name."""
    if len(paths) == 1:
        return [None]
    given = names or [_path_name(path, position) for position, path in enumerate(paths)]
    return list(_told_apart(given))


def _path_name(path: Path, position: int) -> str:
    keys = [str(key) for key in path]
    return "_".join(keys) if not keys[-1].isdigit() else f"output_{position + 1}"


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names, those that come again numbered as Keras numbers the keys of its logs.

    Outputs of a layer that is called twice, or one tensor given out twice, have one name.
    """
    found: list[str] = []
    for name in names:
        free = (f"{name}_{count}" for count in itertools.count(1))
        taken = {*names, *found}
        found.append(name if name not in found else next(n for n in free if n not in taken))
    return found


def _symbolic_outputs(model: Any, y_pred: Any) -> list[Any] | None:
    outputs = getattr(model, "outputs", None)
    if not outputs or len(outputs) != len(keras.tree.flatten(y_pred)):
        return None
    return list(outputs)


def _static_shape(tensor: Any) -> tuple[int | None, ...]:
    shape = tuple(None if size is None else int(size) for size in tensor.shape)
    return (None, *shape[1:]) if shape else shape


def _flatten_with_path(structure: Any) -> list[tuple[Path, Any]]:
    if not keras.tree.is_nested(structure):
        return [((), structure)]
    return list(keras.tree.flatten_with_path(structure))


def _has(structure: Any, path: Path) -> bool:
    for key in path:
        if isinstance(structure, dict):
            if key not in structure:
                return False
        elif (
            not isinstance(structure, (list, tuple))
            or not isinstance(key, int)
            or key >= len(structure)
        ):
            return False
        structure = structure[key]
    return not keras.tree.is_nested(structure)


def _at(structure: Any, path: Path) -> Any:
    for key in path:
        structure = structure[key]
    return structure
