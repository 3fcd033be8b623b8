"""Names of arguments that a callable does not have: which one was meant."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

from lossmon.errors import UnknownArgument

P = ParamSpec("P")
R = TypeVar("R")

# What other libraries, or people, call the same thing.
MEANT = {
    "run": ("name", "run_id", "id", "title"),
    "db": (
        *("store", "storage", "database", "url", "uri", "path", "file", "filename", "filepath"),
        *("dir", "directory", "logdir"),
    ),
    "project": ("experiment", "group"),
    "tags": ("label", "labels", "keywords"),
    "notes": ("description", "comment", "comments"),
    "config": ("params", "hparams", "hyperparameters", "hyperparams", "settings", "args"),
    "audit_train": ("train", "training_data"),
    "also": ("trackers", "loggers", "log_to"),
    "x": ("data", "dataset", "inputs"),
    "y": ("target", "targets", "labels"),
    "sample_weight": ("weights", "sample_weights"),
}


def with_names_checked(called: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a callable answer to a name that it does not have with the one that was meant.

    Type checkers and `inspect.signature` go on to see its own arguments.

    Args:
        called: what people call it.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = [name for name in inspect.signature(function).parameters if name != "self"]

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in names:
                    raise UnknownArgument(_unknown(called, name, names, kwargs))
            return function(*args, **kwargs)

        return checked

    return decorate


def _unknown(called: str, name: str, names: list[str], given: Iterable[str]) -> str:
    meant = _nearest(name.lower(), [known for known in names if known not in given])
    # The value is left out: it may be large, or hold a password.
    fix = "use one of these" if meant is None else f"{called}({meant}=…)"
    return (
        f"expected the arguments of `{called}`: {', '.join(names)}. "
        f"Received: {name}=…, which is none of them. Fix: {fix}"
    )


def _nearest(name: str, names: list[str]) -> str | None:
    for part in (name, *name.split("_")):
        same = [known for known in names if part in MEANT.get(known, ())]
        near = same or difflib.get_close_matches(part, names, n=1)
        if near:
            return near[0]
    return None
