"""What `lossmon check` is asked to run: a file, a notebook, a module or an attribute of one."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lossmon.errors import InvalidArgument
from lossmon.notebook import Cell, is_notebook, read_cells


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is there.

    Attributes:
        name: as the user wrote it.
        path: its file; None of a module.
        cells: the code of a notebook; None of all else.
        module: its dotted name; None of a file.
        attribute: dots lead into classes; None where the whole module is meant.
    """

    name: str
    path: Path | None = None
    cells: tuple[Cell, ...] | None = None
    module: str | None = None
    attribute: str | None = None


def find_program(name: str) -> Program:
    """Return the program that a name stands for, without running it.

    Of a dotted name, the packages that it lies in are imported.

    Args:
        name: a path to a Python file or a notebook, the name of a module, or `module:attribute`.

    Raises:
        InvalidArgument: there is no such program.
    """
    path = Path(name)
    if path.is_file():
        cells = tuple(read_cells(path)) if is_notebook(path) else None
        return Program(name, path=path, cells=cells)
    module, colon, attribute = name.partition(":")
    if _is_module(module):
        return Program(name, module=module, attribute=attribute if colon else None)
    raise InvalidArgument(
        "a path to a Python file or a notebook, the name of a module, or module:attribute was "
        f"expected. Received: {name!r}, which is neither. Fix: lossmon check train.py"
    )


def _is_module(name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    with searched_first(Path.cwd()):
        try:
            return importlib.util.find_spec(name) is not None
        except (ModuleNotFoundError, ValueError):
            return False


@contextmanager
def searched_first(directory: Path) -> Generator[None]:
    """Look for modules in a directory before all else, as `python` does beside a script."""
    before = sys.path[:]
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = before
