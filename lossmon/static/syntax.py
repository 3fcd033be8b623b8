"""The parts of compound statements and expressions, in the order in which they run."""

from __future__ import annotations

import ast

from lossmon.static.binding import bound_names


def is_main(test: ast.expr) -> bool:
    """Whether it asks if the file is run as a program."""
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")


def parts(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks below a statement."""
    found = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    others = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    return [part for part in (*found, *(other.body for other in others)) if part]


def conditions(statement: ast.stmt) -> list[ast.AST]:
    """What decides which of its blocks run."""
    named = ("test", "iter", "subject")
    return [node for name in named if (node := getattr(statement, name, None)) is not None]


def targets_of(statement: ast.stmt) -> list[str]:
    """Names that the head of a branch binds: the loop's variable, what a pattern captures."""
    heads = [getattr(statement, "target", None)]
    heads += [case.pattern for case in getattr(statement, "cases", [])]
    handlers = getattr(statement, "handlers", [])
    return [*bound_names(node for node in heads if node), *(h.name for h in handlers if h.name)]


def calls_in(node: ast.AST) -> list[ast.Call]:
    """Calls in the order in which they are made; those of lambdas and comprehensions left out."""
    lazy = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)
    if isinstance(node, (*lazy, ast.BoolOp)):
        return []
    inner = [call for child in ast.iter_child_nodes(node) for call in calls_in(child)]
    return [*inner, node] if isinstance(node, ast.Call) else inner
