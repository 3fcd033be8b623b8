"""A forward pass that changes nothing: no variable, no seed, no batch statistics."""

from __future__ import annotations

from typing import Any

import keras


def forward(model: Any, x: Any, state: Any = None, *, training: bool = False) -> Any:
    """Predictions of `model` for `x`, in inference mode unless it is `training`.

    Args:
        model: a built model.
        x: inputs of one batch, nested as the model takes them.
        state: on JAX inside `fit`, the state that the train function was given (the model's own
            variables are empty then); None elsewhere.
        training: whether layers act as they do in training.

    Returns:
        The model's outputs, nested as the model gives them. Every update that the pass would make
        (seed generators, counters) goes to a scope that is thrown away.
    """
    if state is not None:
        trainable, non_trainable = state[0], state[1]
    else:
        trainable = [v.value for v in model.trainable_variables]
        non_trainable = [v.value for v in model.non_trainable_variables]
    arguments = {"training": training} if model._call_has_training_arg else {}
    outputs, _ = model.stateless_call(trainable, non_trainable, x, **arguments)
    return outputs


def forward_as_predict(model: Any, x: Any, state: Any = None) -> Any:
    """The same as `predict` and the train step make them: on TensorFlow in a graph.

    Kernels that a graph fuses deal with NaN in their own way: of `max(NaN, 0)` they make 0, where
    the same operations one by one leave NaN.

    Args:
        model: a built and compiled model.
        x: inputs of one batch.
        state: as in `forward`.
    """
    if keras.backend.backend() != "tensorflow" or getattr(model, "run_eagerly", False):
        return forward(model, x, state)
    import tensorflow as tf

    compiled = tf.function(
        lambda given: forward(model, given, state),
        jit_compile=bool(getattr(model, "jit_compile", False)),
    )
    return compiled(keras.tree.map_structure(tf.convert_to_tensor, x))


def values_of(model: Any, state: Any) -> list[tuple[Any, Any]]:
    """The model's variables with the values that `state` holds of them, see `forward`."""
    if state is None:
        return []
    owners = (model.trainable_variables, model.non_trainable_variables)
    return [
        pair
        for variables, values in zip(owners, state[:2], strict=True)
        for pair in zip(variables, values, strict=True)
    ]


def give_back(model: Any, state: Any) -> None:
    """Put the state that JAX's train function was given into the variables that it came from.

    Args:
        model: a model inside `fit`, whose variables are empty.
        state: values of its trainable and other variables, of its optimiser's and its metrics'.
    """
    optimizer = [] if model.optimizer is None else model.optimizer.variables
    owners = (model.trainable_variables, model.non_trainable_variables, optimizer)
    for variables, values in zip((*owners, model.metrics_variables), state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    model._jax_state, model._jax_state_synced = None, True


def has_fixed_batch(model: Any) -> bool:
    """Whether the model takes batches of one size only, as stateful recurrent ones do."""
    inputs = getattr(model, "inputs", None) or []
    return any(tensor.shape and tensor.shape[0] is not None for tensor in inputs)
