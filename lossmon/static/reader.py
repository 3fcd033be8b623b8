"""Follows a program statement by statement, without running it, to what its `compile` calls say.

Only what holds on every path is kept: names that a branch, a loop or another function may bind, and
models that are handed to anything not known, count as unknown from there on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lossmon.static.binding import FUNCTIONS, bound_names, captured, declared_elsewhere
from lossmon.static.expressions import arguments_of, loss_of, metrics_of, value_of
from lossmon.static.values import Compiled, Layer, Model, Name, Value
from lossmon.static.vocabulary import HARMLESS_METHODS, STARRED, TRAINING_METHODS, canonical

# A faulty program may stand below these on purpose.
_EXPECTING = frozenset({"raises", "warns", "suppress", "assertRaises", "assertWarns", "deprecated"})
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
# Attributes of a model that change neither its layers nor how it is trained.
_FREE_ATTRIBUTES = frozenset({"trainable", "optimizer", "stop_training", "name", "history"})


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


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A function whose body is read once all of its module is known."""

    function: ast.FunctionDef | ast.AsyncFunctionDef
    cell: int | None
    outer: dict[str, Value]


@dataclass(slots=True)
class _Scope:
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
        for name in names:
            self.known[name] = None


class Reader:
    """Reads one program, given in one or more pieces (a file, or the cells of a notebook)."""

    def __init__(self) -> None:
        self._found: list[CompileCall] = []
        self._functions: list[_Deferred] = []
        self._cell: int | None = None

    def read(
        self, pieces: Sequence[tuple[int | None, Sequence[ast.stmt] | None]]
    ) -> list[CompileCall]:
        """All `compile` calls that something is known of, in order.

        Args:
            pieces: (number of the cell or None, its statements); None for what cannot be read,
                after which nothing is known any more.
        """
        statements = [statement for _, piece in pieces for statement in piece or ()]
        module = _Scope({}, {}, declared_elsewhere(statements), captured(statements))
        for cell, piece in pieces:
            self._cell = cell
            if piece is None:
                module.forget(list(module.known))
            else:
                self._block(piece, module)
        self._found += module.pending.values()
        # Names that are bound once mean the same whenever a function runs.
        counts = bound_names(statements)
        module.inner.update({n: v for n, v in module.known.items() if counts[n] <= 1})
        while self._functions:
            self._function(self._functions.pop())
        found = {(call.cell or 0, call.line, call.column): call for call in self._found}
        return [found[place] for place in sorted(found)]

    def _function(self, deferred: _Deferred) -> None:
        function, self._cell = deferred.function, deferred.cell
        arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        hidden = {*bound_names(function.body), *arguments}
        outer: dict[str, Value] = {
            name: None if name in hidden or isinstance(value, Model) else value
            for name, value in deferred.outer.items()
        }
        never, shared = declared_elsewhere([function]), captured(function.body)
        scope = _Scope(dict(outer), outer, never, shared)
        self._block(function.body, scope)
        self._found += scope.pending.values()

    def _block(self, statements: Sequence[ast.stmt], scope: _Scope) -> None:
        for statement in statements:
            self._statement(statement, scope)

    def _statement(self, statement: ast.stmt, scope: _Scope) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                inside = statement.body if isinstance(statement, ast.ClassDef) else [statement]
                self._functions += [
                    _Deferred(node, self._cell, scope.inner)
                    for node in inside
                    if isinstance(node, FUNCTIONS)
                ]
                scope.bind(statement.name, None)
            case ast.Import() | ast.ImportFrom():
                _import(statement, scope)
            case ast.Assign() | ast.AnnAssign():
                self._assign(statement, scope)
            case ast.With() | ast.AsyncWith():
                self._with(statement, scope)
            case ast.If(orelse=[]) if _is_main(statement.test):
                self._block(statement.body, scope)
            case _ if isinstance(statement, _BRANCHES):
                self._branches(statement, scope)
            case _:
                self._expressions([statement], scope)
                scope.forget(bound_names([statement]))

    def _assign(self, statement: ast.Assign | ast.AnnAssign, scope: _Scope) -> None:
        value = statement.value
        if value is None:
            return
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        plain = len(names) == len(targets)
        # A second name for a model is no use of it.
        if not (plain and isinstance(value, ast.Name)):
            self._expressions([value], scope)
        found = value_of(value, scope.known)
        for target in targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                self._set_inside(target, scope)
        scope.forget(bound_names([*targets, value]))
        for name in names:
            scope.bind(name, found if plain else None)

    def _set_inside(self, target: ast.expr, scope: _Scope) -> None:
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

    def _with(self, statement: ast.With | ast.AsyncWith, scope: _Scope) -> None:
        contexts = [item.context_expr for item in statement.items]
        self._expressions(contexts, scope)
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

    def _branches(self, statement: ast.stmt, scope: _Scope) -> None:
        """Parts of which each may run or not, or several times."""
        changed = bound_names([statement])
        touched = _models_in([statement], scope)
        before = {model: model.layers[:] for model in touched}
        if isinstance(statement, (ast.For, ast.AsyncFor, ast.While)):
            scope.forget(changed)
            for model in touched:
                model.obscure()
        self._expressions(_conditions(statement), scope)
        altered = {m for part in _parts(statement) for m in self._branch(part, statement, scope)}
        scope.forget(changed)
        for model in touched:
            model.layers = before[model]
            if model in altered:
                # Whether what came before is still what is trained is not known.
                model.obscure()
                scope.pending.pop(model, None)

    def _branch(self, part: list[ast.stmt], whole: ast.stmt, scope: _Scope) -> set[Model]:
        """Read one part, and leave models as they were; those that it may have changed."""
        models = _models_in(part, scope)
        before = {model: model.layers[:] for model in models}
        branch = replace(scope, known=dict(scope.known), pending=dict(scope.pending))
        branch.forget(_targets(whole))
        self._block(part, branch)
        self._found += [c for m, c in branch.pending.items() if scope.pending.get(m) is not c]
        altered = {
            model
            for model in models
            if model.layers != before[model]
            or branch.pending.get(model) is not scope.pending.get(model)
        }
        for model in models:
            model.layers = before[model]
        return altered

    def _expressions(self, nodes: Sequence[ast.AST], scope: _Scope) -> None:
        """Take in what calls do to models; any other mention of a model obscures it."""
        for node in nodes:
            handled: set[ast.AST] = set()
            for part in _calls(node):
                handled |= self._call(part, scope)
            mentioned = {
                model
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and part not in handled
                if isinstance(model := scope.known.get(part.id), Model)
            }
            if not isinstance(node, ast.Return):
                self._use(mentioned, scope)

    def _call(self, call: ast.Call, scope: _Scope) -> set[ast.AST]:
        """Follow a method call of a model; the mentions of models that are thereby understood."""
        if not isinstance(call.func, ast.Attribute):
            return set()
        owner, method = call.func.value, call.func.attr
        model = value_of(owner, scope.known)
        if not isinstance(model, Model):
            return set()
        if method == "add" and len(call.args) == 1 and not call.keywords:
            layer = value_of(call.args[0], scope.known)
            model.layers.append(layer if isinstance(layer, Layer) else None)
            scope.pending.pop(model, None)
        elif method == "compile":
            self._compile(call, model, scope)
        elif method in TRAINING_METHODS:
            self._settle(model, scope)
        elif method not in HARMLESS_METHODS:
            return set()
        return {owner}

    def _compile(self, call: ast.Call, model: Model, scope: _Scope) -> None:
        given, _ = arguments_of(call, ("optimizer", "loss"))
        starred = any(isinstance(arg, ast.Starred) for arg in call.args)
        scope.pending.pop(model, None)
        if model.custom or scope.silent or starred:
            return
        compiled = Compiled(
            loss_of(given.get("loss"), scope.known),
            (
                *metrics_of(given.get("metrics"), scope.known),
                *metrics_of(given.get("weighted_metrics"), scope.known),
            ),
            model.head,
        )
        scope.pending[model] = CompileCall(call.lineno, call.col_offset + 1, self._cell, compiled)

    def _settle(self, model: Model, scope: _Scope) -> None:
        """The model is used as it was compiled last."""
        call = scope.pending.pop(model, None)
        if call is not None:
            self._found.append(call)

    def _use(self, models: Iterable[Model], scope: _Scope) -> None:
        """Models are handed to something that may change them."""
        for model in models:
            self._settle(model, scope)
            model.obscure()


def _import(statement: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            path = alias.name if alias.asname else name
            scope.bind(name, Name(canonical(path)))
        return
    module = canonical(statement.module or "") if not statement.level else ""
    for alias in statement.names:
        if alias.name == "*":
            _import_all(module, scope)
        else:
            path = canonical(f"{module}.{alias.name}")
            scope.bind(alias.asname or alias.name, Name(path) if module else None)


def _import_all(module: str, scope: _Scope) -> None:
    if module not in STARRED:
        # It may have bound any name anew.
        scope.forget(list(scope.known))
        return
    for name in STARRED[module]:
        scope.bind(name, Name(canonical(f"{module}.{name}")))


def _is_main(test: ast.expr) -> bool:
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")


def _parts(statement: ast.stmt) -> list[list[ast.stmt]]:
    parts = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    others = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    return [part for part in (*parts, *(other.body for other in others)) if part]


def _conditions(statement: ast.stmt) -> list[ast.AST]:
    named = ("test", "iter", "subject")
    return [node for name in named if (node := getattr(statement, name, None)) is not None]


def _targets(statement: ast.stmt) -> list[str]:
    """Names that the head of a branch binds: the loop's variable, what a pattern captures."""
    heads = [getattr(statement, "target", None)]
    heads += [case.pattern for case in getattr(statement, "cases", [])]
    handlers = getattr(statement, "handlers", [])
    return [*bound_names(node for node in heads if node), *(h.name for h in handlers if h.name)]


def _calls(node: ast.AST) -> list[ast.Call]:
    """Calls in the order in which they are made; those of lambdas and comprehensions left out."""
    lazy = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)
    if isinstance(node, (*lazy, ast.BoolOp)):
        return []
    inner = [call for child in ast.iter_child_nodes(node) for call in _calls(child)]
    return [*inner, node] if isinstance(node, ast.Call) else inner


def _models_in(nodes: Iterable[ast.AST], scope: _Scope) -> set[Model]:
    names = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
    found = {scope.known.get(name) for name in names}
    return {model for model in found if isinstance(model, Model)}
