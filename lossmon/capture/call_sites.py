"""Where in a program a call was made."""

from __future__ import annotations

import inspect
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from lossmon.records import Location

_LIBRARIES = tuple({os.path.realpath(sysconfig.get_path(n)) for n in ("purelib", "platlib")})
_OWN = str(Path(__file__).parent.parent)
_CELL = "cell "


def cell_name(path: str, number: int) -> str:
    """The file name under which a notebook's cell is compiled, understood by `call_site`."""
    return f"<{_CELL}{number} of {path}>"


def call_site() -> Location | None:
    """The place in the user's program that called the caller; None where it is not known.

    Where libraries call each other in between, it is the nearest line outside of all of them.
    """
    frames = list(_frames(inspect.currentframe()))[2:]
    return next((found for frame in frames if (found := _location(frame)) is not None), None)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _location(frame: FrameType) -> Location | None:
    name, line = frame.f_code.co_filename, frame.f_lineno
    if name.startswith(f"<{_CELL}"):
        number, _, path = name[len(_CELL) + 1 : -1].partition(" of ")
        return Location(shown_path(path), line, cell=int(number))
    path = os.path.realpath(name)
    if name.startswith("<") or path.startswith((*_LIBRARIES, _OWN)):
        return None
    return Location(shown_path(path), line)


def shown_path(path: str) -> str:
    """A path relative to the working directory, where it lies below it."""
    relative = os.path.relpath(path)
    return os.path.realpath(path) if relative.startswith("..") else relative
