"""Jupyter notebooks as Python: their code cells, without what only IPython understands."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument

# Cell magics whose body is Python that runs as it stands.
_TRANSPARENT = ("time", "timeit", "capture", "prun", "python", "python3")
_SHELL = re.compile(r"^(\s*)(!|%|\?)")
_ASSIGNED = re.compile(r"^(\s*)([\w, ]+?)\s*=\s*[!%](?!=)")
_HELP = re.compile(r"^\s*[\w.]+\?{1,2}\s*$")
_TIMED = re.compile(r"^(\s*)%time(?:it)?\s+(?!-)(.+)$")


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell.

    Attributes:
        number: its place among all cells of the notebook, from 1.
        source: Python with as many lines as the cell has; lines for IPython or a shell do nothing.
        left_out: the lines that were left out, as they stand in the notebook.
    """

    number: int
    source: str
    left_out: tuple[str, ...] = ()


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook, by its name."""
    return path.suffix.lower() == ".ipynb"


def read_cells(path: Path) -> list[Cell]:
    """The code cells of a notebook, in order.

    Raises:
        InvalidArgument: the file is not a notebook.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        cells = _cells(document)
        return [_cell(number, _text(cell)) for number, cell in cells]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"a Jupyter notebook was expected. Received: {str(path)!r}, which cannot be read as "
            f"one: {error!r}. Fix: open and save it in Jupyter, or name a Python file"
        ) from error


def _cells(document: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Code cells and their numbers; notebooks before version 4 keep them in worksheets."""
    sheets = document.get("worksheets", [document])
    every = [cell for sheet in sheets for cell in sheet["cells"]]
    return [(n, cell) for n, cell in enumerate(every, 1) if cell["cell_type"] == "code"]


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"] if "source" in cell else cell["input"]
    return source if isinstance(source, str) else "".join(source)


def _cell(number: int, text: str) -> Cell:
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first][2:].split(" ")[0].strip() not in _TRANSPARENT:
            return Cell(number, "\n" * (len(lines) - 1), (lines[first],))
        lines[first] = ""
    if _is_python("\n".join(lines)):
        return Cell(number, "\n".join(lines))
    plain = [_plain(line) for line in lines]
    left_out = (old for old, new in zip(lines, plain, strict=True) if old != new)
    return Cell(number, "\n".join(plain), tuple(line.strip() for line in left_out))


def _plain(line: str) -> str:
    """A line as Python; assigned shell output becomes None."""
    if timed := _TIMED.match(line):
        return timed[1] + timed[2]
    if assigned := _ASSIGNED.match(line):
        return f"{assigned[1]}{assigned[2]} = None"
    if shell := _SHELL.match(line):
        return f"{shell[1]}pass"
    return "pass" if _HELP.match(line) else line


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True
