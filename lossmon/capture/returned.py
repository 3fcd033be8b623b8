"""Check what `pkg.module:attribute` gives: a compiled model, with or without data."""

from __future__ import annotations

import importlib
import inspect
from functools import reduce
from typing import Any

import keras
import numpy as np

from lossmon.capture.fits import Checker
from lossmon.errors import InvalidArgument

# Sizes of axes that an input leaves open.
OPEN_SIZE = 8
SAMPLES = 8


def run_attribute(module: str, attribute: str, checker: Checker) -> None:
    """Import a module, call its attribute if it can be called, and check what comes of it.

    Args:
        module: its dotted name.
        attribute: a function without required arguments, a compiled model, or a tuple
            `(model, x[, y[, sample_weight]])`; dots lead into classes.
        checker: what checks.

    Raises:
        InvalidArgument: there is no such attribute, it needs arguments, or it neither calls `fit`
            nor gives anything that can be checked.
    """
    given = _attribute(module, attribute)
    name = f"{module}:{attribute}"
    if callable(given) and not isinstance(given, keras.Model):
        _needs_no_arguments(given, name)
        given = given()
    if _is_checkable(given):
        _check(given, checker)
    elif not checker.program.fits:
        raise InvalidArgument(
            f"{name} must call `fit`, or return a compiled model or (model, x, y). "
            f"Received: {type(given).__name__}. Fix: return model, x, y"
        )


def _attribute(module: str, attribute: str) -> Any:
    imported = importlib.import_module(module)
    try:
        return reduce(getattr, attribute.split("."), imported)
    except AttributeError as error:
        raise InvalidArgument(
            f"an attribute of {module} was expected. Received: {attribute!r}: {error}. "
            "Fix: lossmon check package.module:function"
        ) from error


def _needs_no_arguments(function: Any, name: str) -> None:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise InvalidArgument(
            f"{name} must be callable without arguments. Received: {error}. "
            "Fix: give its arguments defaults, or name a function that calls it"
        ) from error
    except ValueError:  # no signature is known of some built-in callables
        return


def _is_checkable(given: Any) -> bool:
    if isinstance(given, keras.Model):
        return True
    tuple_of_model = isinstance(given, (tuple, list)) and 2 <= len(given) <= 4
    return tuple_of_model and isinstance(given[0], keras.Model)


def _check(given: Any, checker: Checker) -> None:
    model, *data = (given,) if isinstance(given, keras.Model) else given
    if not data:
        data = [_made_inputs(model)]
        checker.program.without_labels = True
    x, y, weight = (*data, None, None)[:3]
    checker.check(model, (x, y, weight))
    checker.program.models += 1


def _made_inputs(model: Any) -> Any:
    """Random inputs from 0 to 1, of the shapes that the model takes."""
    struct = getattr(model, "_inputs_struct", None)
    if struct is None:
        struct = getattr(getattr(model, "_functional", None), "_inputs_struct", None)
    if struct is None:
        raise InvalidArgument(
            "a model whose inputs are known was expected. Received: one that was never built. "
            "Fix: return (model, x, y), or begin it with keras.Input(shape)"
        )
    random = np.random.default_rng(0)

    def made(tensor: Any) -> Any:
        shape = [OPEN_SIZE if size is None else size for size in tensor.shape[1:]]
        return random.random((SAMPLES, *shape)).astype(tensor.dtype)

    return keras.tree.map_structure(made, struct)
