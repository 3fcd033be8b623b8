"""Which files are read, and what they hold."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import decode_source
from pathlib import Path

from lossmon.errors import InvalidArgument
from lossmon.notebook import Cell, is_notebook, read_cells
from lossmon.records import SEVERITIES, LocatedFinding, Location
from lossmon.rules import RuleSelection
from lossmon.static.judgement import judge
from lossmon.static.reader import Reader
from lossmon.static.scope import Piece

SUFFIXES = (".py", ".ipynb")
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})
# With these, words such as "mse" may stand for something else.
_RENAMING = ("get_custom_objects", "custom_object_scope", "CustomObjectScope")


@dataclass(slots=True)
class ReadSources:
    """What the text of programs shows.

    Attributes:
        located: the findings, each with the `compile` call that it is about; gravest first.
        files: how many files were read.
        unread: what could not be read and why, a sentence for each.
    """

    located: list[LocatedFinding] = field(default_factory=list[LocatedFinding])
    files: int = 0
    unread: list[str] = field(default_factory=list[str])


def read_sources(paths: Iterable[str], selection: RuleSelection) -> ReadSources:
    """Read Python files and notebooks, without running or importing anything of them.

    Args:
        paths: files, or directories, of which all Python files and notebooks are read but those in
            hidden directories and virtual environments.
        selection: the rules to ask.

    Raises:
        InvalidArgument: there is no such file or directory.
    """
    read = ReadSources()
    for path in dict.fromkeys(file for given in paths for file in _files(Path(given))):
        read.files += 1
        try:
            pieces = _pieces(path, read)
        except InvalidArgument as error:
            read.unread.append(str(error))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            read.unread.append(f"{path} could not be read as Python: {error}")
        else:
            read.located += _judged(path, pieces, selection)
    read.located.sort(key=lambda found: SEVERITIES.index(found.finding.severity))
    return read


def _files(given: Path) -> Iterator[Path]:
    if given.is_file():
        yield given
    elif given.is_dir():
        yield from _below(given)
    else:
        raise InvalidArgument(
            f"a file or directory was expected. Received: {str(given)!r}. "
            "Fix: lossmon check --static src/"
        )


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            environment = (path / "pyvenv.cfg").exists()
            if path.name not in _SKIPPED and not environment:
                yield from _below(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _pieces(path: Path, read: ReadSources) -> list[Piece]:
    if is_notebook(path):
        return [
            Piece(cell.number, _cell(path, cell, read), cell.source) for cell in read_cells(path)
        ]
    encoded = path.read_bytes()
    if b"compile" not in encoded:
        return []
    text = decode_source(encoded)
    return [Piece(None, _parsed(text), text)]


def _cell(path: Path, cell: Cell, read: ReadSources) -> list[ast.stmt] | None:
    if any(line.startswith("%run") for line in cell.left_out):
        return None
    try:
        return _parsed(cell.source)
    except (SyntaxError, ValueError) as error:
        read.unread.append(f"{path}, cell {cell.number} could not be read as Python: {error}")
        return None


def _parsed(text: str) -> list[ast.stmt]:
    with warnings.catch_warnings():
        # Whoever runs the program is told of its odd strings.
        warnings.simplefilter("ignore")
        return ast.parse(text).body


def _judged(
    path: Path, pieces: Sequence[Piece], selection: RuleSelection
) -> Iterator[LocatedFinding]:
    if any(_renames(statement) for piece in pieces for statement in piece.statements or ()):
        return
    for call in Reader().read(pieces):
        place = Location(str(path), call.line, call.column, call.cell)
        for finding in judge(call.compiled, selection.codes):
            graded = replace(finding, severity=selection.graded(finding))
            yield LocatedFinding(graded, compile=place)


def _renames(statement: ast.stmt) -> bool:
    names = (getattr(n, "attr", getattr(n, "id", None)) for n in ast.walk(statement))
    return any(name in _RENAMING for name in names)
