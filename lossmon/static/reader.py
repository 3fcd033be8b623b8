"""Follows a program statement by statement, without running it, to what its `compile` calls say.

Only what holds on every path is kept: names that a branch, a loop or another function may bind, and
models that are handed to anything not known, count as unknown from there on.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lossmon.static.binding import FUNCTIONS, bound_names, captured, declared_elsewhere
from lossmon.static.expressions import value_of
from lossmon.static.imports import follow_import
from lossmon.static.scope import CompileCall, Piece, Scope, models_in
from lossmon.static.syntax import conditions, is_main, parts, targets_of
from lossmon.static.uses import Uses
from lossmon.static.values import Model, Value

# A faulty program may stand below these on purpose.
_EXPECTING = frozenset({"raises", "warns", "suppress", "assertRaises", "assertWarns", "deprecated"})
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
# Attributes of a model that change neither its layers nor how it is trained.
_FREE_ATTRIBUTES = frozenset({"trainable", "optimizer", "stop_training", "name", "history"})


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A function whose body is read once all of its module is known."""

    function: ast.FunctionDef | ast.AsyncFunctionDef
    piece: Piece
    outer: dict[str, Value]


class Reader:
    """Reads one program, given in one or more pieces (a file, or the cells of a notebook)."""

    def __init__(self) -> None:
        self._uses = Uses()
        self._functions: list[_Deferred] = []

    def read(self, pieces: Sequence[Piece]) -> list[CompileCall]:
        """All `compile` calls that something is known of, in order."""
        statements = [statement for piece in pieces for statement in piece.statements or ()]
        module = Scope({}, {}, declared_elsewhere(statements), captured(statements))
        for piece in pieces:
            self._uses.piece = piece
            if piece.statements is None:
                module.forget(list(module.known))
            else:
                self._block(piece.statements, module)
        self._uses.found += module.pending.values()
        # Names that are bound once mean the same whenever a function runs.
        counts = bound_names(statements)
        module.inner.update({n: v for n, v in module.known.items() if counts[n] <= 1})
        while self._functions:
            self._function(self._functions.pop())
        found = {(call.cell or 0, call.line, call.column): call for call in self._uses.found}
        return [found[place] for place in sorted(found)]

    def _function(self, deferred: _Deferred) -> None:
        function, self._uses.piece = deferred.function, deferred.piece
        arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        hidden = {*bound_names(function.body), *arguments}
        outer: dict[str, Value] = {
            name: None if name in hidden or isinstance(value, Model) else value
            for name, value in deferred.outer.items()
        }
        never, shared = declared_elsewhere([function]), captured(function.body)
        scope = Scope(dict(outer), outer, never, shared)
        self._block(function.body, scope)
        self._uses.found += scope.pending.values()

    def _block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self._statement(statement, scope)

    def _statement(self, statement: ast.stmt, scope: Scope) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                inside = statement.body if isinstance(statement, ast.ClassDef) else [statement]
                self._functions += [
                    _Deferred(node, self._uses.piece, scope.inner)
                    for node in inside
                    if isinstance(node, FUNCTIONS)
                ]
                scope.bind(statement.name, None)
            case ast.Import() | ast.ImportFrom():
                follow_import(statement, scope)
            case ast.Assign() | ast.AnnAssign():
                self._assign(statement, scope)
            case ast.With() | ast.AsyncWith():
                self._with(statement, scope)
            case ast.If(orelse=[]) if is_main(statement.test):
                self._block(statement.body, scope)
            case _ if isinstance(statement, _BRANCHES):
                self._branches(statement, scope)
            case _:
                self._uses.follow([statement], scope)
                scope.forget(bound_names([statement]))

    def _assign(self, statement: ast.Assign | ast.AnnAssign, scope: Scope) -> None:
        value = statement.value
        if value is None:
            return
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        plain = len(names) == len(targets)
        # A second name for a model is no use of it.
        if not (plain and isinstance(value, ast.Name)):
            self._uses.follow([value], scope)
        found = value_of(value, scope.known)
        for target in targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                self._set_inside(target, scope)
        scope.forget(bound_names([*targets, value]))
        for name in names:
            scope.bind(name, found if plain else None)

    def _set_inside(self, target: ast.expr, scope: Scope) -> None:
        """An attribute or an element is assigned: its owner is no longer what it was."""
        root, first = target, ""
        while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
            first = root.attr if isinstance(root, ast.Attribute) else first
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name):
            return
        owner = scope.known.get(root.id)
        if isinstance(owner, Model) and first in _FREE_ATTRIBUTES:
            return
        if isinstance(owner, Model):
            owner.custom = True
            scope.pending.pop(owner, None)
        else:
            scope.forget([root.id])

    def _with(self, statement: ast.With | ast.AsyncWith, scope: Scope) -> None:
        contexts = [item.context_expr for item in statement.items]
        self._uses.follow(contexts, scope)
        scope.forget(
            bound_names(item.optional_vars for item in statement.items if item.optional_vars)
        )
        calls = (node.func for node in contexts if isinstance(node, ast.Call))
        names = {
            node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            for node in calls
        }
        expecting = bool(names & _EXPECTING)
        scope.silent += expecting
        self._block(statement.body, scope)
        scope.silent -= expecting

    def _branches(self, statement: ast.stmt, scope: Scope) -> None:
        """Parts of which each may run or not, or several times."""
        changed = bound_names([statement])
        touched = models_in([statement], scope)
        before = {model: model.layers[:] for model in touched}
        if isinstance(statement, (ast.For, ast.AsyncFor, ast.While)):
            scope.forget(changed)
            for model in touched:
                model.obscure()
        self._uses.follow(conditions(statement), scope)
        altered = {m for part in parts(statement) for m in self._branch(part, statement, scope)}
        scope.forget(changed)
        for model in touched:
            model.layers = before[model]
            if model in altered:
                # Whether what came before is still what is trained is not known.
                model.obscure()
                scope.pending.pop(model, None)

    def _branch(self, part: list[ast.stmt], whole: ast.stmt, scope: Scope) -> set[Model]:
        """Read one part, and leave models as they were; those that it may have changed."""
        models = models_in(part, scope)
        before = {model: model.layers[:] for model in models}
        branch = replace(scope, known=dict(scope.known), pending=dict(scope.pending))
        branch.forget(targets_of(whole))
        self._block(part, branch)
        self._uses.found += [c for m, c in branch.pending.items() if scope.pending.get(m) is not c]
        altered = {
            model
            for model in models
            if model.layers != before[model]
            or branch.pending.get(model) is not scope.pending.get(model)
        }
        for model in models:
            model.layers = before[model]
        return altered
