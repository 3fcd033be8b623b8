"""What calls do to models: layers are added, they are compiled, trained, or handed on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from lossmon.static.expressions import arguments_of, loss_of, metric_of, value_of
from lossmon.static.scope import CompileCall, Piece, Scope
from lossmon.static.syntax import calls_in
from lossmon.static.values import Layer, Model
from lossmon.static.vocabulary import HARMLESS_METHODS, TRAINING_METHODS
from lossmon.static.written import (
    ARGUMENTS,
    METRIC_LISTS,
    Compiled,
    Entries,
    WrittenCall,
    code_of,
)


class Uses:
    """Follows the models of one program through its expressions.

    Attributes:
        found: `compile` calls after which the model was used.
        piece: the file or the notebook's cell that is read.
    """

    def __init__(self) -> None:
        self.found: list[CompileCall] = []
        self.piece = Piece(None, None)

    def follow(self, nodes: Sequence[ast.AST], scope: Scope) -> None:
        """Take in what calls do to models; any other mention of a model obscures it."""
        for node in nodes:
            handled: set[ast.AST] = set()
            for part in calls_in(node):
                handled |= self._call(part, scope)
            mentioned = {
                model
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and part not in handled
                if isinstance(model := scope.known.get(part.id), Model)
            }
            if not isinstance(node, ast.Return):
                self._use(mentioned, scope)

    def _call(self, call: ast.Call, scope: Scope) -> set[ast.AST]:
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

    def _compile(self, call: ast.Call, model: Model, scope: Scope) -> None:
        given, _ = arguments_of(call, ARGUMENTS)
        starred = any(isinstance(arg, ast.Starred) for arg in call.args)
        scope.pending.pop(model, None)
        if model.custom or scope.silent or starred:
            return
        written = self._written(call, given, scope)
        entries = [entry for name in METRIC_LISTS for entry in written.lists.get(name, ())]
        compiled = Compiled(
            loss_of(given.get("loss"), scope.known),
            tuple(metric for metric, _ in entries if metric is not None),
            model.head,
            written,
        )
        place = (call.lineno, call.col_offset + 1, self.piece.cell)
        scope.pending[model] = CompileCall(*place, compiled)

    def _written(self, call: ast.Call, given: Mapping[str, ast.expr], scope: Scope) -> WrittenCall:
        source = self.piece.source
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        lists: dict[str, Entries] = {}
        for name in METRIC_LISTS:
            node = given.get(name)
            if isinstance(node, (ast.List, ast.Tuple)):
                items = ((metric_of(i, scope.known), code_of(i, source)) for i in node.elts)
                lists[name] = tuple(items)
        unpacked = (word.value for word in call.keywords if word.arg is None)
        return WrittenCall(
            owner.id if isinstance(owner, ast.Name) else "model",
            {name: code_of(node, source) for name, node in given.items()},
            lists,
            tuple(f"**{code_of(node, source)}" for node in unpacked),
        )

    def _settle(self, model: Model, scope: Scope) -> None:
        """The model is used as it was compiled last."""
        call = scope.pending.pop(model, None)
        if call is not None:
            self.found.append(call)

    def _use(self, models: Iterable[Model], scope: Scope) -> None:
        """Models are handed to something that may change them."""
        for model in models:
            self._settle(model, scope)
            model.obscure()
