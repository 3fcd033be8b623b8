"""Run a model aside without a trace: what Keras' own scopes do not cover is put back by hand."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@contextmanager
def pristine(model: Any, *, alone: bool = True) -> Generator[None]:
    """Put back all random states and the TensorFlow variables that layers keep for themselves.

    Keras' `StatelessScope` covers Keras variables, seed generators among them. Layers may also draw
    from NumPy, Python, TensorFlow or PyTorch, and count in plain `tf.Variable`s.

    Args:
        model: the model that is about to be called.
        alone: whether no other thread draws random numbers meanwhile, as one that prepares the
            next batches may: its numbers must not come twice, and stay as they are.
    """
    python, numpy = random.getstate(), np.random.get_state()
    restore = _tensorflow_state(model) if keras.backend.backend() == "tensorflow" else None
    try:
        with torch_pristine():
            yield
    finally:
        if alone:
            random.setstate(python)
            np.random.set_state(numpy)
        if restore is not None:
            restore()


@contextmanager
def torch_pristine() -> Generator[None]:
    """Put back PyTorch's random state, from which every reading of a `DataLoader` draws."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch  # pyright: ignore[reportMissingImports]

    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)


def _tensorflow_state(model: Any) -> Any:
    """Remember TensorFlow's states now; the function that is returned puts them back."""
    import tensorflow as tf
    from tensorflow.python.eager import context

    eager = context.context()
    seeds = getattr(eager, "_rng", None)
    seeds_state = None if seeds is None else seeds.getstate()
    variables = [(variable, tf.identity(variable)) for variable in _plain_variables(model)]

    def restore() -> None:
        if seeds is not None and seeds_state is not None:
            seeds.setstate(seeds_state)
        for variable, value in variables:
            variable.assign(value)

    return restore


def _plain_variables(model: Any) -> list[Any]:
    import tensorflow as tf

    found: list[Any] = []
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, tf.random.Generator):
                found.append(value.state)
            elif isinstance(value, tf.Variable):
                found.append(value)
    return found
