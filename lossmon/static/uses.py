"""What calls do to models: layers are added, they are compiled, trained, or handed on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lossmon.static.expressions import arguments_of, loss_of, metrics_of, value_of
from lossmon.static.scope import CompileCall, Scope
from lossmon.static.syntax import calls_in
from lossmon.static.values import Compiled, Layer, Model
from lossmon.static.vocabulary import HARMLESS_METHODS, TRAINING_METHODS


class Uses:
    """Follows the models of one program through its expressions.

    Attributes:
        found: `compile` calls after which the model was used.
        cell: the notebook's cell that is read, or None.
    """

    def __init__(self) -> None:
        self.found: list[CompileCall] = []
        self.cell: int | None = None

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
        scope.pending[model] = CompileCall(call.lineno, call.col_offset + 1, self.cell, compiled)

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
