"""Run a model aside without a trace: what Keras' own scopes do not cover is put back by hand."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from lossmon.capture.specs import is_keras


@contextmanager
def pristine(model: Any, *, alone: bool = True) -> Generator[None]:
    """Put back all random states, and the variables and numbers that layers keep for themselves.

    Keras' `StatelessScope` covers Keras variables, seed generators among them. Layers may also draw
    from NumPy, Python, TensorFlow or PyTorch, and count in plain `tf.Variable`s, by themselves or
    in lists, dictionaries and `tf.Module`s, or in attributes.

    Args:
        model: the model that is about to be called.
        alone: whether no other thread draws random numbers meanwhile, as one that prepares the
            next batches may: its numbers must not come twice, and stay as they are.
    """
    python, numpy = random.getstate(), np.random.get_state()
    restore = _tensorflow_state(model) if keras.backend.backend() == "tensorflow" else None
    try:
        with torch_pristine(), counters_kept(model):
            yield
    finally:
        if alone:
            random.setstate(python)
            np.random.set_state(numpy)
        if restore is not None:
            restore()


@contextmanager
def counters_kept(model: Any) -> Generator[None]:
    """Put back the numbers that are attributes of layers that users wrote."""
    counted = [
        (layer, {name: value for name, value in vars(layer).items() if type(value) in (int, float)})
        for layer in model._flatten_layers()
        if not is_keras(type(layer))
    ]
    try:
        yield
    finally:
        for layer, numbers in counted:
            vars(layer).update(numbers)


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

    found: dict[int, Any] = {}
    seen: set[int] = set()

    def look_into(value: Any) -> None:
        if isinstance(value, tf.Variable):
            found[id(value)] = value
        elif isinstance(value, tf.random.Generator):
            look_into(value.state)
        elif isinstance(value, list | tuple | dict | tf.Module) and id(value) not in seen:
            seen.add(id(value))
            inner: Any = vars(value) if isinstance(value, tf.Module) else value
            for one in list(inner.values() if isinstance(inner, dict) else inner):
                look_into(one)

    for layer in model._flatten_layers():
        for value in list(vars(layer).values()):
            # Layers are gone through by themselves; what Keras keeps of a layer is in private ones.
            if not isinstance(value, keras.layers.Layer):
                look_into(value)
    return list(found.values())
