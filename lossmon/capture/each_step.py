"""Between a compiled step and the function that calls it: take what each step sends.

With `steps_per_execution=N`, Keras' train function makes N compiled steps in a call and returns the
logs of the last one. What the others sent has to be taken where their logs appear.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import keras

from lossmon.capture.bare_form import bare_step
from lossmon.capture.carrier import CARRIER, Carrier
from lossmon.capture.compiled_channel import TwinChannel
from lossmon.records import Split

# What Keras calls with, or for, the function of a single step while it makes the train function.
_PLACE = {"jax": "_make_function", "tensorflow": "_autoconvert_optionals"}


@contextmanager
def each_step_passes_on(model: Any, carrier: Carrier, split: Split) -> Generator[None]:
    """Let functions that are made in this context pass on what each of their steps sends.

    Args:
        model: the model whose function is made.
        carrier: what runs inside its steps.
        split: whose function it is.
    """
    name = _PLACE.get(keras.backend.backend())
    original = getattr(model, name, None) if name else None
    if name is None or original is None:
        yield
        return
    found = vars(model).get(name)

    def hooked(step: Any, *args: Any, **kwargs: Any) -> Any:
        if keras.backend.backend() == "jax":
            return original(_jax(step, model, carrier, split), *args, **kwargs)
        return _tensorflow(original(step, *args, **kwargs), carrier, split)

    setattr(model, name, hooked)
    try:
        yield
    finally:
        delattr(model, name)
        if found is not None:
            setattr(model, name, found)


def _tensorflow(step: Any, carrier: Carrier, split: Split) -> Callable[..., Any]:
    def passing_on(data: Any) -> Any:
        return _without_carrier(step(data), carrier, split)

    return passing_on


def _jax(step: Any, model: Any, carrier: Carrier, split: Split) -> Callable[..., Any]:
    channel, twin = carrier.channels[split], None

    def passing_on(state: Any, data: Any) -> Any:
        nonlocal twin
        made = step
        if isinstance(channel, TwinChannel) and not channel.lets_out():
            if twin is None:
                twin = bare_step(model, carrier, split)
            made = twin
        logs, state = made(state, data)
        return _without_carrier(logs, carrier, split), state

    return passing_on


def _without_carrier(logs: Any, carrier: Carrier, split: Split) -> Any:
    if not isinstance(logs, dict) or CARRIER not in logs:
        return logs
    logs = dict(logs)
    carrier.channels[split].pass_on(logs.pop(CARRIER))
    return logs
