"""Look at the programs that people run: every `fit` of them is checked instead of trained."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from lossmon.capture.call_sites import cell_name
from lossmon.capture.fits import CheckedProgram, Checker
from lossmon.capture.returned import run_attribute
from lossmon.errors import InvalidArgument, LossmonError
from lossmon.program import Program, searched_first
from lossmon.rules import RuleRequest

Run = Callable[[Checker], Any]


def check_program(
    program: Program, arguments: Sequence[str] = (), *, asked: RuleRequest | None = None
) -> CheckedProgram:
    """Run a program with `fit` replaced by `lossmon.check`, and return what was found.

    What the program does after a `fit` may fail, as nothing was trained: such a failure is
    returned, not raised. What the program prints goes to standard error.

    Args:
        program: what to run; of an attribute see `run_attribute`.
        arguments: the program's own command line.
        asked: the rules to ask, before what the program and its surroundings ask for.

    Raises:
        InvalidArgument: it never calls `fit`, or what it gives to `fit` cannot be checked.
    """
    run = _runner(program)
    checked = CheckedProgram()
    checker = Checker(checked, asked)
    with _program_surroundings(program, arguments), checker.replacing_fit():
        try:
            run(checker)
        except (Exception, SystemExit) as error:
            if _is_of_check(error, checked):
                raise
            if not checked.fits:
                raise _ended_without_fit(program.name, _describe(error)) from error
            checked.failure = _describe(error)
    if not checked.fits and not checked.models:
        raise _ended_without_fit(program.name, checked.failure or "its end")
    return checked


def _is_of_check(error: BaseException, checked: CheckedProgram) -> bool:
    """Whether lossmon says why a `fit` cannot be checked, or the program does not come to one.

    What it says behind a checked `fit`, which recorded nothing, is one of the program's failures.
    """
    return error is checked.refusal or (isinstance(error, LossmonError) and not checked.fits)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _ended_without_fit(program: str, end: str) -> InvalidArgument:
    return InvalidArgument(
        f"a program that calls `model.fit` was expected. Received: {program!r}, which came to "
        f"{end} before any `fit`. Fix: name the script that trains, with the arguments it needs "
        "after `--`; or a function that returns (model, x, y) as package.module:function; or call "
        "lossmon.check(model, x, y) where it has a compiled model."
    )


def _runner(program: Program) -> Run:
    name, module, attribute = program.name, program.module, program.attribute
    if program.cells is not None:
        cells = program.cells
        return lambda checker: _run_cells(name, cells, checker)
    if module is None:
        return lambda _: runpy.run_path(name, run_name="__main__")
    if attribute is not None:
        return lambda checker: run_attribute(module, attribute, checker)
    return lambda _: runpy.run_module(module, run_name="__main__", alter_sys=True)


def _run_cells(program: str, cells: Sequence[Any], checker: Checker) -> None:
    """Run a notebook; a cell that fails after a `fit` may just miss what training would give."""
    main = ModuleType("__main__")
    main.__dict__.update(__file__=program, display=_display, get_ipython=lambda: None)
    before, sys.modules["__main__"] = sys.modules["__main__"], main
    try:
        for cell in cells:
            checker.program.left_out += cell.left_out
            _run_cell(compile(cell.source, cell_name(program, cell.number), "exec"), main, checker)
    finally:
        sys.modules["__main__"] = before


def _run_cell(code: Any, main: ModuleType, checker: Checker) -> None:
    try:
        exec(code, main.__dict__)
    except Exception as error:
        if _is_of_check(error, checker.program) or not checker.program.fits:
            raise
        checker.program.failure = checker.program.failure or _describe(error)


def _display(*values: Any, **_: Any) -> None:
    for value in values:
        sys.stderr.write(f"{value!r}\n")


@contextmanager
def _program_surroundings(program: Program, arguments: Sequence[str]) -> Generator[None]:
    """Give a program the command line and import path that `python` would give it; no windows."""
    own_directory = Path.cwd() if program.path is None else program.path.resolve().parent
    before, sys.argv = sys.argv, [program.name, *arguments]
    os.environ.setdefault("MPLBACKEND", "Agg")
    try:
        with searched_first(own_directory), redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = before
