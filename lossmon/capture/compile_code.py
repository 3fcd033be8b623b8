"""What a model was compiled with, as code that compiles it so again."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from lossmon.capture.resolve import ResolvedOutput
from lossmon.capture.specs import is_keras
from lossmon.rules.written import Path, WrittenCompile, WrittenOutput

_UNTOLD = "..."
_SETTINGS: dict[str, Any] = {"run_eagerly": False, "steps_per_execution": 1}


def written_compile(model: Any, resolved: Sequence[ResolvedOutput]) -> WrittenCompile | None:
    """The arguments of `compile` as code, with the user's own words and names.

    Args:
        model: a compiled `keras.Model`.
        resolved: its outputs.

    Returns:
        None where Keras keeps them in a way that is not known here.
    """
    try:
        outputs = tuple(_output(model, output) for output in resolved)
        return WrittenCompile(outputs, _settings(model), _optimizer(model.optimizer))
    except Exception:
        # A fix that tells less is better than none, and than a run without findings.
        return None


def _output(model: Any, output: ResolvedOutput) -> WrittenOutput:
    losses = getattr(getattr(model, "_compile_loss", None), "_user_loss", None)
    compiled = getattr(model, "_compile_metrics", None)
    given = (
        getattr(compiled, "_user_metrics", None),
        getattr(compiled, "_user_weighted_metrics", None),
    )
    words: list[Any] = keras.tree.flatten(given)
    metrics: dict[bool, dict[str, str]] = {False: {}, True: {}}
    for spec, metric in zip(output.record.metrics, output.metric_objects, strict=True):
        metrics[spec.weighted][spec.key] = _code(metric, words, "metrics")
    loss, weight = output.loss_object, output.record.loss_weight
    loss_path = _path(output, losses)
    return WrittenOutput(
        loss_path=loss_path,
        metrics_path=_path(output, given[0] if given[0] else given[1]),
        loss=None if loss is None else _loss(loss, losses, loss_path),
        loss_weight=None if weight is None else _value(weight),
        metrics=metrics[False],
        weighted_metrics=metrics[True],
    )


def _path(output: ResolvedOutput, given: Any) -> Path:
    """Where the output's entry is, in an argument that was given as a list, a dict or neither."""
    names = output.output_names
    if names is not None and len(output.path) == 1 and not isinstance(given, (list, tuple)):
        return (names[output.position],) if output.several else ()
    return output.path


def _loss(loss: Any, given: Any, path: Path) -> str:
    """Code of a loss; the user's own is taken from where Keras keeps it."""
    function = getattr(loss, "fn", None)
    own = not is_keras(type(loss)) or (function is not None and not is_keras(function))
    code = _UNTOLD if own else _code(loss, keras.tree.flatten(given), "losses")
    if _UNTOLD not in code:
        return code
    nested = keras.tree.is_nested(given)
    return "model.loss" + "".join(f"[{key!r}]" for key in path) if nested else "model.loss"


def _code(item: Any, given: Sequence[Any], room: str) -> str:
    """Code of a live loss or metric, as it was given: a word, a function or an object."""
    function = getattr(item, "_fn", None) if room == "metrics" else getattr(item, "fn", None)
    for one in given:
        if one is item:
            return _constructed(item, room)
        if one is not None and one is function:
            return _name(one, room)
    if any(isinstance(one, str) and one == item.name for one in given):
        return json.dumps(item.name)
    return _constructed(item, room)


def _name(thing: Any, room: str) -> str:
    name = str(getattr(thing, "__name__", _UNTOLD))
    if not name.isidentifier():
        return _UNTOLD
    return f"keras.{room}.{name}" if is_keras(thing) else name


def _constructed(item: Any, room: str) -> str:
    """The call that makes an object like this one."""
    name = _name(type(item), room)
    if is_keras(type(item)) and not hasattr(getattr(keras, room), type(item).__name__):
        return _UNTOLD
    arguments = _arguments(item)
    if arguments is None:
        return f"{name}({_UNTOLD})"
    return f"{name}({', '.join(f'{key}={code}' for key, code in arguments.items())})"


def _arguments(item: Any) -> dict[str, str] | None:
    """The arguments that are not as they are by default; None where they cannot be told."""
    config = _known(item)
    told: dict[str, str] = {}
    parameters = list(inspect.signature(type(item).__init__).parameters.values())[1:]
    for parameter in parameters:
        name, usual = parameter.name, parameter.default
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name not in config:
            # Keras leaves out what was not given.
            if usual is None and is_keras(type(item)):
                continue
            return None
        value = config[name]
        if _is_usual(item, name, value, usual):
            continue
        code = _value(_dtype(item) if name == "dtype" else value)
        if code == _UNTOLD:
            return None
        told[name] = code
    return told


def _known(item: Any) -> Mapping[str, Any]:
    """The values of its arguments, as far as it tells of them."""
    kept = {"name": item.name, "dtype": item.dtype, "reduction": getattr(item, "reduction", None)}
    own = vars(item) if is_keras(type(item)) else {}
    return {**own, **getattr(item, "_fn_kwargs", {}), **item.get_config(), **kept}


def _is_usual(item: Any, name: str, value: Any, usual: Any) -> bool:
    if name == "dtype":
        whole = isinstance(item, keras.metrics.IoU)
        return _dtype(item) in (("int32", "int64") if whole else (keras.config.floatx(),))
    if name == "name" and usual is None:
        # Keras counts the objects that it names by itself.
        return False
    return bool(value == usual)


def _dtype(item: Any) -> str:
    return keras.backend.standardize_dtype(item.dtype)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(float(value))
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        parts = [_value(part) for part in value]
        return _UNTOLD if _UNTOLD in parts else f"[{', '.join(parts)}]"
    return _UNTOLD


def _optimizer(optimizer: Any) -> str:
    """Code of an optimizer that has made no step, where it can be told; else the live one."""
    kept = "model.optimizer"
    kind = type(optimizer)
    if getattr(keras.optimizers, kind.__name__, None) is not kind or int(optimizer.iterations):
        return kept
    # None is made to compare with: a program's training is not to meet variables of ours.
    usual = inspect.signature(kind.__init__).parameters
    config = {key: _plain(value) for key, value in optimizer.get_config().items() if key != "name"}
    told = {
        key: _value(value)
        for key, value in config.items()
        if value != (usual[key].default if key in usual else None)
    }
    if _UNTOLD in told.values():
        return kept
    arguments = ", ".join(f"{key}={code}" for key, code in told.items())
    # Keras finds its own by their names in small letters.
    word = json.dumps(kind.__name__.lower())
    return f"keras.optimizers.{kind.__name__}({arguments})" if told else word


def _plain(value: Any) -> Any:
    """A number that Keras holds in float32, as it was written."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _settings(model: Any) -> dict[str, str]:
    """Further arguments of `compile` that are not as they are by default."""
    given = getattr(getattr(model, "_compile_config", None), "config", None) or {}
    told = {
        name: repr(given[name])
        for name, usual in _SETTINGS.items()
        if given.get(name, usual) != usual
    }
    # What "auto" became is not to be told from the same given as a word.
    jit, eager = given.get("jit_compile"), given.get("run_eagerly", False)
    automatic = False if eager else model._resolve_auto_jit_compile()
    return told if jit in (None, automatic) else told | {"jit_compile": repr(jit)}
