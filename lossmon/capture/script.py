"""Look at the programs that people run: every `fit` of a script is checked instead of trained."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from lossmon.capture.check import check
from lossmon.errors import InvalidArgument, LossmonError
from lossmon.records import Finding


@dataclass(slots=True)
class CheckedProgram:
    """What the `fit` calls of a program showed.

    Attributes:
        findings: what was found, each once.
        fits: how many calls of `fit` were checked.
        failure: what ended the program after its last checked `fit`; None where it ran to its end.
    """

    findings: list[Finding] = field(default_factory=list[Finding])
    fits: int = 0
    failure: str | None = None

    def add(self, found: Sequence[Finding]) -> None:
        """Count one checked `fit`."""
        self.fits += 1
        self.findings += [finding for finding in found if finding not in self.findings]


def check_program(script_or_module: str, arguments: Sequence[str] = ()) -> CheckedProgram:
    """Run a program with `fit` replaced by `lossmon.check`, and return what was found.

    What the program does after a `fit` may fail, as nothing was trained: such a failure is
    returned, not raised. What the program prints goes to standard error.

    Args:
        script_or_module: a path to a Python file, or the name of a module.
        arguments: the program's own command line.

    Raises:
        InvalidArgument: there is no such program, it never calls `fit`, or what it gives to `fit`
            cannot be checked.
    """
    run = _runner(script_or_module)
    checked = CheckedProgram()
    with _program_surroundings(script_or_module, arguments), _fit_replaced(checked):
        try:
            run()
        except LossmonError:
            raise
        except (Exception, SystemExit) as error:
            if not checked.fits:
                raise _ended_without_fit(script_or_module, _describe(error)) from error
            checked.failure = _describe(error)
    if not checked.fits:
        raise _ended_without_fit(script_or_module, "its end")
    return checked


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _ended_without_fit(program: str, end: str) -> InvalidArgument:
    return InvalidArgument(
        f"a program that calls `model.fit` was expected. Received: {program!r}, which came to "
        f"{end} before any `fit`. Fix: name the script that trains, with the arguments it needs "
        "after `--`, or call lossmon.check(model, x, y) where it has a compiled model."
    )


def _runner(script_or_module: str) -> Callable[[], Any]:
    if Path(script_or_module).is_file():
        return lambda: runpy.run_path(script_or_module, run_name="__main__")
    if _is_module(script_or_module):
        return lambda: runpy.run_module(script_or_module, run_name="__main__", alter_sys=True)
    raise InvalidArgument(
        "a path to a Python file or the name of a module was expected. "
        f"Received: {script_or_module!r}, which is neither. Fix: lossmon check train.py"
    )


def _is_module(name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    with _searched_first(Path.cwd()):
        try:
            return importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:
            return False


@contextmanager
def _searched_first(directory: Path) -> Generator[None]:
    before = sys.path[:]
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _program_surroundings(program: str, arguments: Sequence[str]) -> Generator[None]:
    """Give a program the command line and import path that `python` would give it."""
    path = Path(program)
    own_directory = path.resolve().parent if path.is_file() else Path.cwd()
    before, sys.argv = sys.argv, [program, *arguments]
    try:
        with _searched_first(own_directory), redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = before


@contextmanager
def _fit_replaced(checked: CheckedProgram) -> Generator[None]:
    inherited = "fit" not in vars(keras.Model)
    original = keras.Model.fit

    def fit(
        model: Any, x: Any = None, y: Any = None, *_: Any, sample_weight: Any = None, **__: Any
    ) -> Any:
        if hasattr(x, "__next__"):
            # Nothing is trained here, so a generator's first batch is not missed.
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(next(x))
        checked.add(check(model, x, y, sample_weight))
        history = keras.callbacks.History()
        history.set_model(model)
        history.on_train_begin()
        return history

    setattr(keras.Model, "fit", fit)  # noqa: B010
    try:
        yield
    finally:
        if inherited:
            delattr(keras.Model, "fit")
        else:
            setattr(keras.Model, "fit", original)  # noqa: B010
