"""A model's train or test function in a second form, whose steps keep their tensors in.

What could leave a step takes up memory in it, whether it leaves or not: TensorFlow computes in
place only what nothing else may still use.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from lossmon.capture.carrier import Carrier
from lossmon.records import Split

_MADE = {
    "train": ("make_train_function", "train_function", "train_step"),
    "val": ("make_test_function", "test_function", "test_step"),
}


def bare_function(model: Any, carrier: Carrier, split: Split) -> Any:
    """The model's whole function, as Keras makes it.

    Args:
        model: the model, which is left as it was.
        carrier: what runs inside its steps.
        split: whose function it is.
    """
    make, function, _ = _MADE[split]
    with _bare_step(model, carrier, split):
        getattr(type(model), make)(model, force=True)
        return vars(model)[function]


def bare_step(model: Any, carrier: Carrier, split: Split) -> Any:
    """On JAX, the function of a single step, as Keras hands it on to be made into the whole.

    Args: see `bare_function`.
    """
    made: list[Any] = []
    make, _, _ = _MADE[split]
    with _bare_step(model, carrier, split):
        model._make_function = lambda step, *_, **__: made.append(step)
        getattr(type(model), make)(model, force=True)
    return made[0]


@contextmanager
def _bare_step(model: Any, carrier: Carrier, split: Split) -> Generator[None]:
    _, function, step = _MADE[split]
    names = (function, step, "_make_function")
    kept = {name: vars(model)[name] for name in names if name in vars(model)}
    setattr(model, step, carrier.without_tensors(split))
    try:
        yield
    finally:
        for name in names:
            vars(model).pop(name, None)
        for name, value in kept.items():
            setattr(model, name, value)
