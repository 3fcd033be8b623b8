"""A forward pass that changes nothing: no variable, no seed, no batch statistics."""

from __future__ import annotations

from typing import Any

import keras

# Rules need a sample of predictions, not all of them.
SAMPLES = 256


def forward(model: Any, x: Any, state: Any = None) -> Any:
    """Predictions of `model` for `x`, in inference mode.

    Args:
        model: a built model.
        x: inputs of one batch, nested as the model takes them.
        state: on JAX inside `fit`, the state that the train function was given (the model's own
            variables are empty then); None elsewhere.

    Returns:
        The model's outputs, nested as the model gives them. Every update that the pass would make
        (seed generators, counters) goes to a scope that is thrown away.
    """
    if state is not None:
        trainable, non_trainable = state[0], state[1]
    else:
        trainable = [v.value for v in model.trainable_variables]
        non_trainable = [v.value for v in model.non_trainable_variables]
    arguments = {"training": False} if model._call_has_training_arg else {}
    outputs, _ = model.stateless_call(trainable, non_trainable, x, **arguments)
    return outputs


def first_samples(*structures: Any) -> tuple[Any, ...]:
    """The first `SAMPLES` samples of each nested structure of a batch; None stays None."""

    def cut(value: Any) -> Any:
        return value if value is None or not value.shape else value[:SAMPLES]

    return tuple(keras.tree.map_structure(cut, structure) for structure in structures)
