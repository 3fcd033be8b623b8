"""Gathers what the rules may know from a model and a batch, without changing either."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.output_range import graph_range
from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.capture.specs import is_keras
from lossmon.capture.trial import tried_ranges
from lossmon.rules import (
    Facts,
    LabelFacts,
    OutputFacts,
    OutputRange,
    PredictionFacts,
    describe_labels,
    describe_predictions,
    intended_metric,
)
from lossmon.rules.families import class_axis

# Samples that are predicted; rules need to see what outputs are, not how good they are.
PREDICTED_SAMPLES = 64
# Of those, samples that the trial of other weights runs on.
TRIED_SAMPLES = 16
# Beyond this a trial costs more time and memory than its answer is worth.
TRIED_PARAMETERS = 50_000_000

_OWN_STEPS = ("train_step", "compute_loss", "_compute_loss", "compute_metrics")


def gather_facts(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    y_pred: Any = None,
    *,
    complete: bool = False,
) -> Facts:
    """What is known of a compiled model from one batch.

    Nothing is assigned and no random number of Keras' is drawn; a model that was never called is
    built, as its first call would.

    Args:
        model: a compiled `keras.Model`.
        x: inputs, nested as given to `fit`.
        y: targets, nested as given to `fit`, or None. There may be more of them than inputs.
        sample_weight: their weights, or None.
        y_pred: the model's predictions for `x`; computed from a few samples where not given.
        complete: whether these targets are all there are.

    Returns:
        The facts; what could not be found out is None in them.
    """
    few = first_samples(x, PREDICTED_SAMPLES)
    penalties: bool | None = None
    if y_pred is None:
        y_pred, penalties = _predict(model, few)
    seen = y_pred is not None
    structure = y_pred if seen else _symbolic_outputs(model)
    if structure is None:
        return Facts(outputs=(), backend=keras.backend.backend(), complete=complete)
    resolved = _resolved(model, y, structure)
    parts = split_outputs(resolved, y, structure, sample_weight)
    ranges = _ranges(model, x, resolved)
    inputs = [_numpy(leaf) for leaf in keras.tree.flatten(few)]
    used = _uses_compiled(model)
    outputs = tuple(
        _output_facts(output, part, values, inputs, seen=seen, used=used)
        for output, part, values in zip(resolved, parts, ranges, strict=True)
    )
    return Facts(outputs, keras.backend.backend(), penalties, complete)


def first_samples(structure: Any, count: int) -> Any:
    """The first samples of every array; all of it where arrays disagree about their number."""
    leaves = [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
    if len({len(leaf) for leaf in leaves if leaf.shape}) != 1:
        return structure
    return keras.tree.map_structure(
        lambda leaf: leaf if leaf is None or not leaf.shape else leaf[:count], structure
    )


def _output_facts(
    output: ResolvedOutput,
    part: tuple[Any, Any, Any],
    values: OutputRange | None,
    inputs: list[NDArray[Any] | None],
    *,
    seen: bool,
    used: bool,
) -> OutputFacts:
    y_true, y_pred, weight = part
    axis = class_axis(output.record.loss)
    mask = getattr(y_pred, "_keras_mask", None) if seen else None
    labels = _label_facts(y_true, weight, mask, axis)
    predictions: PredictionFacts | None = None
    if seen:
        predictions = describe_predictions(_numpy(y_pred), class_axis=axis)
        if values is not None and values.normalised and predictions.units > 1:
            # A layer behind a softmax may have moved the class axis.
            values = replace(values, normalised=predictions.distribution)
    facts = OutputFacts(
        record=output.record,
        labels=labels,
        predictions=predictions,
        range=values,
        compiled_used=used,
        weighted=weight is not None,
        masked=mask is not None,
        reconstruction=_among(y_true, inputs),
    )
    return replace(facts, record=replace(facts.record, intended_metric=intended_metric(facts)))


def _label_facts(y_true: Any, weight: Any, mask: Any, axis: int) -> LabelFacts | None:
    labels = _numpy(y_true)
    if labels is None or labels.ndim == 0 or labels.dtype.kind not in "biufV":
        return None
    if mask is not None:
        # The mask is known for the predicted samples alone.
        labels = labels[: len(mask)]
        weight = weight if weight is None else _numpy(weight)[: len(mask)]  # pyright: ignore[reportOptionalSubscript]
    return describe_labels(labels, weight=_numpy(weight), mask=_numpy(mask), class_axis=axis)


def _among(y_true: Any, inputs: list[NDArray[Any] | None]) -> bool:
    labels = _numpy(y_true)
    if labels is None:
        return False
    for values in inputs:
        if values is not None and values.shape[1:] == labels.shape[1:]:
            count = min(len(values), len(labels))
            if np.array_equal(values[:count], labels[:count]):
                return True
    return False


def _numpy(values: Any) -> NDArray[Any] | None:
    if values is None:
        return None
    try:
        return np.asarray(
            keras.ops.convert_to_numpy(values) if keras.ops.is_tensor(values) else values
        )
    except (TypeError, ValueError, NotImplementedError):
        # Ragged and sparse values have no plain array; then they are not known.
        return None


def _predict(model: Any, x: Any) -> tuple[Any, bool | None]:
    """Predictions and whether penalties take part; None, with a warning, where the model fails."""
    try:
        if not model.built:
            model(x, training=False)
        scope = keras.StatelessScope(collect_losses=True)
        with scope:
            return model(x, training=False), bool(model.losses)
    except Exception as error:
        _say(f"the model could not be called on the first samples of x: {error!r}")
        return None, None


def _symbolic_outputs(model: Any) -> Any:
    outputs = getattr(model, "outputs", None)
    if not outputs:
        return None
    return outputs[0] if len(outputs) == 1 else list(outputs)


def _resolved(model: Any, y: Any, y_pred: Any) -> list[ResolvedOutput]:
    try:
        return resolve(model, y, y_pred)
    except Exception as error:
        _say(f"losses and metrics could not be matched with the outputs: {error!r}")
        return []


def _ranges(model: Any, x: Any, resolved: list[ResolvedOutput]) -> list[OutputRange | None]:
    units = [(o.record.shape or (None, 1))[-1] for o in resolved]
    known = [
        graph_range(output.record.activation, size if len(output.record.shape or ()) > 1 else 1)
        for output, size in zip(resolved, units, strict=True)
    ]
    if all(values is not None for values in known):
        return known
    tried = _tried(model, x, resolved)
    return [values or trial for values, trial in zip(known, tried, strict=True)]


def _tried(model: Any, x: Any, resolved: list[ResolvedOutput]) -> list[OutputRange | None]:
    unknown: list[OutputRange | None] = [None] * len(resolved)
    few = first_samples(x, TRIED_SAMPLES)

    def call(replacement: list[tuple[Any, Any]]) -> list[NDArray[np.float64]]:
        with keras.StatelessScope(state_mapping=replacement):
            outputs = model(few, training=False)
        flat = [pred for _, pred, _ in split_outputs(resolved, None, outputs, None)]
        return [np.asarray(keras.ops.convert_to_numpy(v), dtype=np.float64) for v in flat]

    try:
        if model.count_params() > TRIED_PARAMETERS:
            return unknown
        return tried_ranges(model, call, [class_axis(o.record.loss) for o in resolved])
    except Exception:
        # Any weights but its own may be too much for a model; then the trial tells nothing, and
        # what is not known keeps the rules silent.
        return unknown


def _uses_compiled(model: Any) -> bool:
    """Whether training calls the compiled loss and metrics as Keras does."""
    methods = (getattr(type(model), name, None) for name in _OWN_STEPS)
    return all(method is None or is_keras(method) for method in methods)


def _say(trouble: str) -> None:
    warnings.warn(f"lossmon: {trouble}", RuntimeWarning, stacklevel=3)
