"""Gathers what the rules may know from a model and its data, without changing either."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lossmon.capture.arrays import to_numpy
from lossmon.capture.compile_code import written_compile
from lossmon.capture.logits import is_rescued, outputs_of_a_step, rescued_metrics, told_of_logits
from lossmon.capture.pairing import pairs_all
from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.capture.specs import is_keras
from lossmon.capture.spread import samples_within, spread_rows, taken
from lossmon.capture.trial import output_ranges
from lossmon.capture.usual_rate import usual_rate
from lossmon.rules import (
    Facts,
    LabelFacts,
    OutputFacts,
    OutputRange,
    describe_labels,
    describe_predictions,
    describe_weights,
    intended_metric,
)
from lossmon.rules.families import class_axis
from lossmon.rules.written import WrittenCompile

# Samples that are predicted; rules need to see what outputs are, not how good they are.
PREDICTED_SAMPLES = 64
# Fewer where they are so large that training would notice the memory.
PREDICTED_VALUES = 2**18
# Of those, samples that the trial of other weights runs on.
TRIED_SAMPLES = 16
# Label values of a whole data set that are read before the first step.
LABEL_VALUES = 2**18

_OWN_STEPS = ("train_step", "compute_loss", "_compute_loss", "compute_metrics")


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a model tells, before its labels are read.

    Attributes:
        resolved: its outputs, with their losses and metrics.
        structure: predictions for a few samples, or symbolic outputs where it could not be called.
        predicted: whether `structure` holds real predictions.
        ranges: what values each output can take.
        inputs: the inputs of those samples, flattened.
        penalties: whether regularisers or `add_loss` take part in the loss.
        compiled_used: whether training calls the compiled loss and metrics as Keras does.
        written: what `compile` was given, as code.
        stepped: `logits.outputs_of_a_step`; None where no rule needs it.
        trainable: whether the model has any weights that training may change.
        usual_rate: the learning rate that is usual for its optimizer, where there is one.
    """

    resolved: list[ResolvedOutput]
    structure: Any
    predicted: bool
    ranges: list[OutputRange | None]
    inputs: list[NDArray[Any] | None]
    penalties: bool | None
    compiled_used: bool
    written: WrittenCompile | None = None
    stepped: Any = None
    trainable: bool | None = None
    usual_rate: float | None = None

    @property
    def masked(self) -> bool:
        """Whether some prediction carries a Keras mask, which holds for these samples alone."""
        leaves = keras.tree.flatten(self.structure)
        return self.predicted and any(_mask(leaf) is not None for leaf in leaves)


def gather_facts(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    y_pred: Any = None,
    *,
    state: Any = None,
) -> Facts:
    """What is known of a compiled model from one batch.

    Nothing is assigned and no random number of Keras' is drawn; a model that was never called is
    built, as its first call would.

    Args:
        model: a compiled `keras.Model`.
        x: inputs, nested as given to `fit`.
        y: targets, nested as given to `fit`, or None.
        sample_weight: their weights, or None.
        y_pred: the model's predictions for `x`; computed from a few samples where not given.
        state: on JAX inside `fit`, the state that the train function was given.

    Returns:
        The facts; what could not be found out is None in them.
    """
    return label_facts(look_at(model, x, y, y_pred, state), y, sample_weight)


def look_at(model: Any, x: Any, y: Any, y_pred: Any = None, state: Any = None) -> Look:
    """What a compiled model is, seen with a batch; arguments as for `gather_facts`."""
    few = first_samples(x, samples_to_predict(model))
    penalties: bool | None = None
    if y_pred is None:
        y_pred, penalties = _predict(model, few)
    structure = _symbolic_outputs(model) if y_pred is None else y_pred
    resolved = [] if structure is None else _resolved(model, y, structure)
    asked = y_pred is not None and told_of_logits(resolved)
    return Look(
        resolved=resolved,
        structure=structure,
        predicted=y_pred is not None,
        ranges=output_ranges(model, first_samples(x, TRIED_SAMPLES), resolved, y_pred, state),
        inputs=[to_numpy(leaf) for leaf in keras.tree.flatten(few)],
        penalties=penalties,
        compiled_used=_uses_compiled(model),
        written=written_compile(model, resolved),
        stepped=outputs_of_a_step(model, few) if asked else None,
        trainable=bool(model.trainable_variables) if model.built else None,
        usual_rate=usual_rate(model.optimizer),
    )


def samples_to_predict(model: Any) -> int:
    """How many samples to predict: fewer where the model is known to predict much of each."""
    shapes = [tensor.shape[1:] for tensor in getattr(model, "outputs", None) or ()]
    values = sum(math.prod(size or 1 for size in shape) for shape in shapes)
    return max(1, min(PREDICTED_SAMPLES, PREDICTED_VALUES // max(1, values)))


def first_samples(structure: Any, count: int) -> Any:
    """The first samples of every array; all of it where arrays disagree about their number."""
    sizes = {rows_of(leaf) for leaf in keras.tree.flatten(structure)} - {None}
    if len(sizes) != 1:
        return structure
    return keras.tree.map_structure(
        lambda leaf: leaf if rows_of(leaf) is None else _first_rows(leaf, count), structure
    )


def rows_of(leaf: Any) -> int | None:
    """How many samples an array or tensor holds, ragged and sparse ones too; None of no array."""
    if leaf is None or not len(leaf.shape):
        return None
    return int(leaf.nrows() if leaf.shape[0] is None else leaf.shape[0])


def _first_rows(leaf: Any, count: int) -> Any:
    if not (keras.backend.backend() == "tensorflow" and _is_sparse(leaf)):
        return leaf[:count]
    import tensorflow as tf

    sizes = [min(count, int(leaf.shape[0])), *map(int, leaf.shape[1:])]
    return tf.sparse.slice(leaf, [0] * len(sizes), sizes)


def _is_sparse(leaf: Any) -> bool:
    return hasattr(leaf, "dense_shape") and hasattr(leaf, "indices")


def label_facts(look: Look, y: Any, sample_weight: Any, *, complete: bool = False) -> Facts:
    """The facts of a model with these labels.

    Args:
        look: what `look_at` returned.
        y: targets, nested as given to `fit`; they need not be those of the samples looked at.
        sample_weight: their weights, or None.
        complete: whether these labels are all there are.
    """
    parts = split_outputs(look.resolved, y, look.structure, sample_weight)
    outputs = [
        _output_facts(look, output, part, values)
        for output, part, values in zip(look.resolved, parts, look.ranges, strict=True)
    ]
    if look.stepped is not None:
        outputs = _with_rescued(outputs, look, y)
    if look.predicted:
        outputs = [
            replace(facts, pairs_all=pairs_all(output.loss_object, y_true, y_pred))
            for facts, output, (y_true, y_pred, _) in zip(
                outputs, look.resolved, parts, strict=True
            )
        ]
    backend = keras.backend.backend()
    return Facts(
        tuple(outputs),
        backend,
        look.penalties,
        complete,
        trainable=look.trainable,
        usual_rate=look.usual_rate,
    )


def _with_rescued(outputs: list[OutputFacts], look: Look, y: Any) -> list[OutputFacts]:
    parts = split_outputs(look.resolved, y, look.stepped, None)
    return [
        replace(
            facts,
            rescued_loss=is_rescued(output, y_true, y_pred),
            rescued_metrics=rescued_metrics(output, y_pred),
        )
        for facts, output, (y_true, y_pred, _) in zip(outputs, look.resolved, parts, strict=True)
    ]


def with_all_labels(
    facts: Facts, resolved: Sequence[ResolvedOutput], y_pred: Any, y: Any, sample_weight: Any
) -> Facts | None:
    """The facts of a batch with the labels of the whole data instead, if they can be had.

    Args:
        facts: what a batch showed.
        resolved: the outputs that they are of.
        y_pred: predictions, which tell how targets are nested.
        y: all targets as arrays, nested as given to `fit`; of many values, samples from all over
            them are read.
        sample_weight: their weights, or None.

    Returns:
        None where a mask decides which labels count, or the arrays are not as the batch was.
    """
    samples = samples_within(sys.maxsize, y)
    rows = spread_rows(samples, samples_within(LABEL_VALUES, y))
    y, sample_weight = (_as_arrays(taken(part, rows)) for part in (y, sample_weight))
    outputs: list[OutputFacts] = []
    parts = split_outputs(list(resolved), y, y_pred, sample_weight)
    for output, (y_true, _, weight) in zip(facts.outputs, parts, strict=True):
        labels = _described(y_true, weight, None, class_axis(output.record.loss))
        if output.masked or labels is None or output.labels is None:
            return None
        if labels.sample_shape != output.labels.sample_shape:
            return None
        weights = describe_weights(to_numpy(weight))
        outputs.append(_with_intended(replace(output, labels=labels, weights=weights)))
    return replace(facts, outputs=tuple(outputs), complete=len(rows) == samples)


def _as_arrays(structure: Any) -> Any:
    return keras.tree.map_structure(
        lambda leaf: leaf if leaf is None else np.asarray(leaf), structure
    )


def _with_intended(facts: OutputFacts) -> OutputFacts:
    return replace(facts, record=replace(facts.record, intended_metric=intended_metric(facts)))


def _output_facts(
    look: Look, output: ResolvedOutput, part: tuple[Any, Any, Any], values: OutputRange | None
) -> OutputFacts:
    y_true, y_pred, weight = part
    axis = class_axis(output.record.loss)
    mask = _mask(y_pred) if look.predicted else None
    seen = None
    if look.predicted:
        seen = describe_predictions(to_numpy(y_pred), class_axis=axis)
        if values is not None and values.normalised and seen.units > 1:
            # A layer behind a softmax may have moved the class axis.
            values = replace(values, normalised=seen.distribution)
    facts = OutputFacts(
        record=output.record,
        labels=_described(y_true, weight, mask, axis),
        predictions=seen,
        range=values,
        compiled_used=look.compiled_used,
        weighted=weight is not None,
        weights=describe_weights(to_numpy(weight)),
        masked=mask is not None,
        reconstruction=_among(y_true, look.inputs),
        fitted_head=output.fitted_head,
        written=look.written,
        place=output.position,
    )
    return _with_intended(facts)


def _described(y_true: Any, weight: Any, mask: Any, axis: int) -> LabelFacts | None:
    labels, weights = to_numpy(y_true), to_numpy(weight)
    if labels is None or labels.ndim == 0 or labels.dtype.kind not in "biufV":
        return None
    if mask is not None:
        # The mask is known for the predicted samples alone.
        labels = labels[: len(mask)]
        weights = None if weights is None else weights[: len(mask)]
    return describe_labels(labels, weight=weights, mask=to_numpy(mask), class_axis=axis)


def _among(y_true: Any, inputs: list[NDArray[Any] | None]) -> bool:
    """Whether the targets are one of the inputs."""
    labels = to_numpy(y_true)
    if labels is None:
        return False
    for values in inputs:
        if values is not None and values.shape[1:] == labels.shape[1:]:
            count = min(len(values), len(labels))
            if np.array_equal(values[:count], labels[:count]):
                return True
    return False


def _predict(model: Any, x: Any) -> tuple[Any, bool | None]:
    """Predictions and whether penalties take part; None, with a warning, where the model fails."""
    try:
        with warnings.catch_warnings():
            # Of what it warns about here Keras will warn again in training.
            warnings.simplefilter("ignore")
            if not model.built:
                model(x, training=False)
            # Regularisers look for their variables in the scope.
            own = [(v, v.value) for v in model.trainable_variables]
            with keras.StatelessScope(state_mapping=own, collect_losses=True):
                return model(x, training=False), bool(model.losses)
    except Exception as error:
        _say(f"the model could not be called on the first samples of x: {error!r}")
        return None, None


def _resolved(model: Any, y: Any, y_pred: Any) -> list[ResolvedOutput]:
    try:
        return resolve(model, y, y_pred)
    except Exception as error:
        _say(f"losses and metrics could not be matched with the outputs: {error!r}")
        return []


def _uses_compiled(model: Any) -> bool:
    methods = (getattr(type(model), name, None) for name in _OWN_STEPS)
    return all(method is None or is_keras(method) for method in methods)


def _symbolic_outputs(model: Any) -> Any:
    outputs = getattr(model, "outputs", None)
    if not outputs:
        return None
    return outputs[0] if len(outputs) == 1 else list(outputs)


def _mask(tensor: Any) -> Any:
    return getattr(tensor, "_keras_mask", None)


def _say(trouble: str) -> None:
    warnings.warn(f"lossmon: {trouble}", RuntimeWarning, stacklevel=3)
