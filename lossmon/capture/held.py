"""Put back what an `evaluate` moves in a model that is being fitted."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from numpy.typing import NDArray

from lossmon.capture.pristine import pristine, torch_pristine

_STOP = "stop_evaluating"


@contextmanager
def held(model: Any, *, alone: bool) -> Generator[None]:
    """Leave a model as it was found, even where the evaluation fails.

    Covered are its metrics, the counters and statistics that its layers keep, and the states of
    random numbers: Keras' own and PyTorch's always, those of Python, NumPy and TensorFlow
    only where nothing else draws from them at the same time.

    Args:
        model: a built model between two steps of its `fit`.
        alone: whether no other thread draws random numbers meanwhile, as one that prepares the
            next batches may: its numbers must not come twice.
    """
    kept = [(variable, _value(variable)) for variable in _variables(model)]
    stop = vars(model).get(_STOP)
    try:
        with pristine(model) if alone else torch_pristine():
            yield
    finally:
        for variable, value in kept:
            if _is_away(variable) or not np.array_equal(_value(variable), value):
                variable.assign(value)
        if keras.backend.backend() == "jax":
            # As after an evaluation that succeeds: the state is in the variables.
            model._jax_state, model._jax_state_synced = None, True
        if stop is not None:
            model.stop_evaluating = stop
        elif _STOP in vars(model):
            del model.stop_evaluating


def _variables(model: Any) -> list[Any]:
    """All that moves; on JAX the weights too, which a step that fails leaves without values."""
    jax = keras.backend.backend() == "jax"
    own = model.variables if jax else model.non_trainable_variables
    seeds = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    return [*own, *model.metrics_variables, *([] if seeds is None else [seeds.state])]


def _value(variable: Any) -> NDArray[Any]:
    return variable.numpy()  # a copy on every backend


def _is_away(variable: Any) -> bool:
    return variable._value is None
