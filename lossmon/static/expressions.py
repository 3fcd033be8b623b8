"""What an expression gives, where its text tells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from lossmon.metric_words import ACCURACY_WORDS
from lossmon.static.values import Constant, Layer, Loss, Metric, Model, Name, Tensor, Value
from lossmon.static.vocabulary import (
    ACTIVATIONS,
    LOGITS_FIRST,
    LOSS_CLASSES,
    LOSS_WORDS,
    METRIC_CLASSES,
    METRIC_WORDS,
    canonical,
)

Known = Mapping[str, Value]

# Arguments of a dense layer that leave its outputs free: a constraint could bound them.
_FREE = frozenset(
    {
        *("units", "activation", "use_bias", "name", "dtype", "input_shape", "input_dim"),
        *("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer"),
        *("activity_regularizer", "batch_input_shape"),
    }
)


def value_of(node: ast.expr | None, known: Known) -> Value:
    """What an expression is; None where that is not certain.

    Args:
        node: the expression.
        known: what the names in it stand for.
    """
    match node:
        case ast.Constant():
            return Constant(node.value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return Constant(-number)
        case ast.Name():
            return known.get(node.id)
        case ast.Attribute():
            owner = value_of(node.value, known)
            return Name(canonical(f"{owner.path}.{node.attr}")) if isinstance(owner, Name) else None
        case ast.Call():
            return _called(node, known)
        case _:
            return None


def arguments_of(call: ast.Call, names: tuple[str, ...]) -> tuple[dict[str, ast.expr], bool]:
    """A call's arguments by name, and whether these are all that it is given.

    Args:
        call: the call.
        names: what its positional arguments are called; those beyond are left out.
    """
    positional = [arg for arg in call.args if not isinstance(arg, ast.Starred)]
    given = dict(zip(names, positional, strict=False)) if positional == call.args else {}
    given |= {word.arg: word.value for word in call.keywords if word.arg is not None}
    whole = len(given) == len(call.args) + len(call.keywords)
    return given, whole


def _called(call: ast.Call, known: Known) -> Value:
    function = value_of(call.func, known)
    if isinstance(function, Layer):
        return _applied(function, call, known)
    if not isinstance(function, Name):
        return None
    module, _, name = function.path.rpartition(".")
    if function.path in _MAKERS:
        return _MAKERS[function.path](call, known)
    if module == "keras.losses" and name in LOSS_CLASSES:
        return _loss(name, call, known)
    if module == "keras.metrics" and name in METRIC_CLASSES:
        return _metric(name, call, known)
    return Layer("other") if module == "keras.layers" and name[:1].isupper() else None


def _applied(layer: Layer, call: ast.Call, known: Known) -> Tensor | None:
    if len(call.args) != 1 or isinstance(call.args[0], ast.Starred):
        return None
    given = value_of(call.args[0], known)
    before = given.layers if isinstance(given, Tensor) else (None,)
    return Tensor((*before[-1:], layer))


def _dense(call: ast.Call, known: Known) -> Layer:
    given, whole = arguments_of(call, ("units", "activation"))
    if not whole or not given.keys() <= _FREE:
        return Layer("other")
    return Layer("dense", _whole_number(given.get("units"), known), activation(given, known))


def _activation(call: ast.Call, known: Known) -> Layer:
    given, whole = arguments_of(call, ("activation",))
    named = activation(given, known) if "activation" in given else None
    return Layer("activation", None, named if whole else None)


def _softmax(call: ast.Call, known: Known) -> Layer:
    given, whole = arguments_of(call, ("axis",))
    axis = value_of(given.get("axis"), known) if "axis" in given else Constant(-1)
    return Layer("activation", None, "softmax" if whole and axis == Constant(-1) else None)


def activation(given: Mapping[str, ast.expr], known: Known) -> str | None:
    """The name of a layer's activation; "linear" where it has none, None where it is not known."""
    if "activation" not in given:
        return "linear"
    found = value_of(given["activation"], known)
    if found == Constant(None):
        return "linear"
    word = found.value if isinstance(found, Constant) else None
    if isinstance(found, Name):
        module, _, word = found.path.rpartition(".")
        word = word if module in ("keras.activations", "tensorflow.nn") else None
    return word if isinstance(word, str) and word in ACTIVATIONS else None


def _whole_number(node: ast.expr | None, known: Known) -> int | None:
    found = value_of(node, known)
    number = found.value if isinstance(found, Constant) else None
    return number if type(number) is int else None


def _sequential(call: ast.Call, known: Known) -> Model | None:
    given, whole = arguments_of(call, ("layers", "trainable", "name"))
    if not whole:
        return None
    listed = given.get("layers")
    if listed is None:
        return Model()
    if not isinstance(listed, (ast.List, ast.Tuple)):
        return Model([None])
    layers = (value_of(item, known) for item in listed.elts)
    return Model([layer if isinstance(layer, Layer) else None for layer in layers])


def _functional(call: ast.Call, known: Known) -> Model | None:
    given, whole = arguments_of(call, ("inputs", "outputs", "name"))
    if not whole or not {"inputs", "outputs"} <= given.keys():
        return None
    ends = given["outputs"]
    if isinstance(ends, (ast.List, ast.Tuple)) and len(ends.elts) == 1:
        ends = ends.elts[0]
    output = value_of(ends, known)
    return Model(list(output.layers) if isinstance(output, Tensor) else [None])


def _loss(name: str, call: ast.Call, known: Known) -> Loss:
    given, whole = arguments_of(call, ("from_logits",) if name in LOGITS_FIRST else ())
    logits = value_of(given.get("from_logits"), known) if "from_logits" in given else None
    if "from_logits" not in given and whole:
        return Loss(LOSS_CLASSES[name], False, ast.unparse(call))
    certain = isinstance(logits, Constant) and isinstance(logits.value, bool)
    value = logits.value if certain else None  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    return Loss(LOSS_CLASSES[name], value, ast.unparse(call))


def _metric(name: str, call: ast.Call, known: Known) -> Metric | None:
    given, whole = arguments_of(call, ())
    if not whole:
        return None
    options = {key: value_of(node, known) for key, node in given.items()}
    if not all(isinstance(option, Constant) for option in options.values()):
        return None
    plain: dict[str, Any] = {k: o.value for k, o in options.items() if isinstance(o, Constant)}
    key = str(plain.pop("name", METRIC_CLASSES[name]))
    return Metric(key, METRIC_CLASSES[name], plain, ast.unparse(call))


def loss_of(node: ast.expr | None, known: Known) -> Loss | None:
    """The loss that `compile` is given; None where it is not known or there is none."""
    found = value_of(node, known)
    if isinstance(found, Loss):
        return found
    if isinstance(found, Constant) and isinstance(found.value, str):
        return Loss(LOSS_WORDS[found.value]) if found.value in LOSS_WORDS else Loss(None)
    if isinstance(found, Name):
        module, _, name = found.path.rpartition(".")
        return Loss(LOSS_WORDS.get(name)) if module == "keras.losses" else Loss(None)
    return None


def metric_of(node: ast.expr, known: Known) -> Metric | None:
    """The metric that an entry of `compile(metrics=[…])` is; None where it is not known."""
    found = value_of(node, known)
    if isinstance(found, Metric):
        return found
    word = found.value if isinstance(found, Constant) else None
    if isinstance(found, Name):
        module, _, name = found.path.rpartition(".")
        return Metric(name, name) if module == "keras.metrics" and name in METRIC_WORDS else None
    if isinstance(word, str) and word.lower() in ACCURACY_WORDS:
        return Metric(word, "alias")
    return Metric(word, word) if isinstance(word, str) and word in METRIC_WORDS else None


_MAKERS: dict[str, Callable[[ast.Call, Known], Value]] = {
    "keras.layers.Dense": _dense,
    "keras.layers.Activation": _activation,
    "keras.layers.Softmax": _softmax,
    "keras.Sequential": _sequential,
    "keras.Model": _functional,
    "keras.Input": lambda _call, _known: Tensor(),
}
