"""Look at the programs that people run: every `fit` of a script is checked instead of trained."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from lossmon.capture.check import check
from lossmon.errors import InvalidArgument
from lossmon.records import Finding


def check_program(script_or_module: str) -> list[Finding]:
    """Run a program with `fit` replaced by `lossmon.check`, and return what was found.

    What the program does after a `fit` may fail, as nothing was trained; once a `fit` was seen,
    such a failure ends the check quietly.

    Args:
        script_or_module: a path to a Python file, or the name of a module.

    Raises:
        InvalidArgument: there is no such program, or it never calls `fit`.
    """
    findings: list[Finding] = []
    seen: list[str] = []
    with _fit_replaced(findings, seen):
        try:
            _run(script_or_module)
        except (Exception, SystemExit):
            if not seen:
                raise
    if not seen:
        raise InvalidArgument(
            "a program that calls `model.fit` was expected. "
            f"Received: {script_or_module!r}, which ended without a `fit`. "
            "Fix: name the script that trains, or call lossmon.check(model, x, y) in it."
        )
    return findings


def _run(script_or_module: str) -> None:
    path = Path(script_or_module)
    if path.is_file():
        sys.argv = [script_or_module]
        sys.path.insert(0, str(path.resolve().parent))
        runpy.run_path(script_or_module, run_name="__main__")
    elif importlib.util.find_spec(script_or_module) is not None:
        sys.argv = [script_or_module]
        runpy.run_module(script_or_module, run_name="__main__", alter_sys=True)
    else:
        raise InvalidArgument(
            "a path to a Python file or the name of a module was expected. "
            f"Received: {script_or_module!r}, which is neither. Fix: lossmon check train.py"
        )


@contextmanager
def _fit_replaced(findings: list[Finding], seen: list[str]) -> Generator[None]:
    original = keras.Model.fit

    def fit(
        model: Any, x: Any = None, y: Any = None, *_: Any, sample_weight: Any = None, **__: Any
    ) -> Any:
        seen.append(model.name)
        new = check(model, x, y, sample_weight)
        findings.extend(finding for finding in new if finding not in findings)
        history = keras.callbacks.History()
        history.set_model(model)
        history.on_train_begin()
        return history

    setattr(keras.Model, "fit", fit)  # noqa: B010
    try:
        yield
    finally:
        setattr(keras.Model, "fit", original)  # noqa: B010
