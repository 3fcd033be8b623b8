"""What an import binds."""

from __future__ import annotations

import ast

from lossmon.static.scope import Scope
from lossmon.static.values import Name
from lossmon.static.vocabulary import STARRED, canonical


def follow_import(statement: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    """Bind the names of an import statement."""
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


def _import_all(module: str, scope: Scope) -> None:
    if module not in STARRED:
        # It may have bound any name anew.
        scope.forget(list(scope.known))
        return
    for name in STARRED[module]:
        scope.bind(name, Name(canonical(f"{module}.{name}")))
