"""What is known at a point of a program: names, and models that were compiled."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lossmon.static.values import Model, Value
from lossmon.static.written import Compiled


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a program that is read as one: a file, or a cell of a notebook.

    Attributes:
        cell: the notebook's cell, or None.
        statements: what it holds; None where it does something unknown to all that follow.
        source: its text.
    """

    cell: int | None
    statements: Sequence[ast.stmt] | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class CompileCall:
    """One call of `compile` that stands in a program.

    Attributes:
        line, column: where it begins, from 1.
        cell: the notebook's cell, or None.
        compiled: what its text says.
    """

    line: int
    column: int
    cell: int | None
    compiled: Compiled


@dataclass(slots=True)
class Scope:
    """The names of a module or function.

    Attributes:
        known: what they stand for at this point.
        inner: what those stand for that mean the same in all functions defined here.
        never: those that functions may bind anew.
        shared: those that functions use: a model of that name is not known.
        pending: models that were compiled and not used since.
        silent: whether faults are expected here.
    """

    known: dict[str, Value]
    inner: dict[str, Value]
    never: set[str]
    shared: set[str]
    pending: dict[Model, CompileCall] = field(default_factory=dict["Model", CompileCall])
    silent: int = 0

    def bind(self, name: str, value: Value) -> None:
        """Let a name stand for a value, unless functions may change it at any call."""
        unknown = name in self.never or (isinstance(value, Model) and name in self.shared)
        self.known[name] = None if unknown else value

    def forget(self, names: Iterable[str]) -> None:
        """Let names stand for nothing known."""
        for name in names:
            self.known[name] = None


def models_in(nodes: Iterable[ast.AST], scope: Scope) -> set[Model]:
    """The known models that code mentions."""
    names = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
    found = {scope.known.get(name) for name in names}
    return {model for model in found if isinstance(model, Model)}
