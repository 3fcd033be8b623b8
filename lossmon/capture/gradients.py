"""The gradient of a model on a few samples that are kept, and what a step changes in its kernels.

The samples go through the model aside, on the training thread between two steps, where nothing
else uses it. Weights are handed in as tensors, and whatever the pass would assign (seeds, batch
statistics, trackers of losses) goes to a scope that is thrown away.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from lossmon.capture.chunk import Array
from lossmon.capture.kernels import Kernels, kernel_chain
from lossmon.rules import GradientFacts, LayerGradient

# Numbers that are widened to float64 at once.
_PIECE = 2**16
_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


class Measured(NamedTuple):
    """One gradient as tensors, which another thread may read at leisure.

    Attributes:
        step, epoch: as in `GradientFacts`.
        gradients: of all trainable variables; None where the loss does not depend on one.
        scale: what they were multiplied with, so that half precision can hold them.
        places: for each layer of the chain, where its kernels are among the variables.
        layers: the names of these layers.
        before: their kernels before the step, layer by layer.
        after: likewise behind it; None where that is not known.
        clipped: whether the optimiser clips gradients.
        scaling: whether the optimiser leaves out steps that its own scaling made overflow.
    """

    step: int
    epoch: int
    gradients: list[Any]
    scale: Any
    places: list[list[int]]
    layers: list[str]
    before: list[list[Any]]
    after: list[list[Any]] | None
    clipped: bool
    scaling: bool


class Gradients:
    """Measures gradients of a model on TensorFlow.

    Args:
        model: a compiled model whose loss is Keras' own.
        x, y, sample_weight: a few samples as a train step gets them.

    Attributes:
        model: as given.
        steps_an_update: steps whose gradients the optimiser accumulates before it applies them.
    """

    def __init__(self, model: Any, x: Any, y: Any, sample_weight: Any) -> None:
        self.model = model
        self._data = x, y, sample_weight
        self._chain: list[Kernels] = kernel_chain(model)
        self._optimizer = model.optimizer
        inner = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        self._scaling = inner is not self._optimizer
        self._clips = any(getattr(inner, name, None) is not None for name in _CLIPPING)
        self.steps_an_update = int(inner.gradient_accumulation_steps or 1)

    def measure(self, step: int, epoch: int) -> Measured:
        """The gradient with the weights of now, as the next step would begin from them."""
        import tensorflow as tf

        model, (x, y, sample_weight) = self.model, self._data
        variables = model.trainable_variables
        values = [tf.convert_to_tensor(variable.value) for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
                arguments = {"training": True} if model._call_has_training_arg else {}
                y_pred = model(x, **arguments)
                loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
                scale = self._optimizer.scale_loss(tf.ones((), loss.dtype))
                loss = loss * scale
        gradients = tape.gradient(loss, values)
        index = {id(variable): place for place, variable in enumerate(variables)}
        chain = [kernels for kernels in self._chain if _all_in(index, kernels)]
        places = [[index[id(v)] for v in kernels.variables] for kernels in chain]
        return Measured(
            step,
            epoch,
            gradients,
            scale,
            places,
            [kernels.layer for kernels in chain],
            [[values[place] for place in own] for own in places],
            None,
            self._clips,
            self._scaling,
        )

    def with_update(self, measured: Measured) -> Measured:
        """The same after the step, with what became of the kernels."""
        import tensorflow as tf

        variables = self.model.trainable_variables
        after = [[tf.convert_to_tensor(variables[i].value) for i in own] for own in measured.places]
        return measured._replace(after=after)


def _all_in(index: dict[int, int], kernels: Kernels) -> bool:
    return all(id(variable) in index for variable in kernels.variables)


def gradient_facts(measured: Measured) -> GradientFacts | None:
    """What a gradient says, summed up in NumPy; None where it says nothing.

    Such is one that is not finite under an optimiser which scales the loss: it leaves that step out
    and scales less.
    """
    scale = float(measured.scale)
    arrays = [None if g is None else _dense(g) for g in measured.gradients]
    norms = [None if array is None else _norm(array) / scale for array in arrays]
    norm = math.hypot(*(own for own in norms if own is not None))
    if not np.isfinite(norm) and measured.scaling:
        return None
    layers: list[LayerGradient] = []
    afters = measured.after or [None] * len(measured.layers)
    rows = zip(measured.layers, measured.places, measured.before, afters, strict=True)
    for layer, places, before, after in rows if np.isfinite(norm) else ():
        own = [array for place in places if (array := arrays[place]) is not None]
        kernels = [_array(kernel) for kernel in before]
        if own:
            gradient = _rms(own) / scale
            layers.append(LayerGradient(layer, gradient, _rms(kernels), _change(kernels, after)))
    return GradientFacts(measured.step, measured.epoch, norm, measured.clipped, tuple(layers))


def _change(before: list[Array], after: list[Any] | None) -> float | None:
    """What the step changed; None where it changed nothing, as one that only accumulates."""
    if after is None:
        return None
    changes = [_norm(_array(new), old) for new, old in zip(after, before, strict=True)]
    return math.hypot(*changes) / math.sqrt(sum(array.size for array in before)) or None


def _rms(arrays: list[Array]) -> float:
    norm = math.hypot(*map(_norm, arrays))
    return norm / math.sqrt(sum(array.size for array in arrays))


def _norm(array: Array, less: Array | None = None) -> float:
    """The L2 norm of an array, or of its difference to another, piece by piece in float64."""
    flat, other = array.reshape(-1), None if less is None else less.reshape(-1)
    total = 0.0
    for start in range(0, flat.size, _PIECE):
        piece = flat[start : start + _PIECE].astype(np.float64)
        if other is not None:
            piece -= other[start : start + _PIECE].astype(np.float64)
        total += float(piece @ piece)
    return math.sqrt(total)


def _dense(gradient: Any) -> Array:
    """A gradient; of one that names rows of an embedding those rows, each once."""
    if not hasattr(gradient, "indices"):
        return _array(gradient)
    rows, places = np.unique(_array(gradient.indices).reshape(-1), return_inverse=True)
    values = _array(gradient.values).reshape(len(places), -1)
    sums = np.zeros((len(rows), values.shape[1]))
    np.add.at(sums, places.reshape(-1), values)
    return sums


def _array(tensor: Any) -> Array:
    return np.asarray(tensor)  # without a copy
