"""Which names a piece of a program may bind."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from lossmon.static.vocabulary import HARMLESS_METHODS

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)


def bound_names(nodes: Iterable[ast.AST]) -> Counter[str]:
    """The names that statements bind in their own scope, and how often; "*" is a star import."""
    return Counter(name for node in nodes for part in own_nodes(node) for name in _bound(part))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but not the inside of functions and classes."""
    yield node
    if isinstance(node, SCOPES):
        return
    for child in ast.iter_child_nodes(node):
        yield from own_nodes(child)


def declared_elsewhere(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that some function declares global or nonlocal: they may change at any call."""
    found = (part for node in nodes for part in ast.walk(node))
    kinds = (ast.Global, ast.Nonlocal)
    return {name for part in found if isinstance(part, kinds) for name in part.names}


def captured(nodes: Iterable[ast.AST]) -> set[str]:
    """The outer names that functions in these statements do something with.

    Calling a method that leaves a model as it is does not count.
    """
    inside = (part for node in nodes for part in own_nodes(node))
    return {name for part in inside if isinstance(part, SCOPES) for name in _free(part)}


def _free(scope: ast.AST) -> set[str]:
    body = getattr(scope, "body", [])
    statements: list[ast.AST] = body if isinstance(body, list) else [body]
    inside = [part for node in statements for part in own_nodes(node)]
    own = {*bound_names(statements), *_arguments(scope)}
    if isinstance(scope, ast.ClassDef):
        own = set()  # methods do not see the names of their class
    harmless = {
        node.value
        for node in inside
        if isinstance(node, ast.Attribute) and node.attr in HARMLESS_METHODS
    }
    used = {n.id for n in inside if isinstance(n, ast.Name) and n not in harmless}
    return (used | captured(statements)) - own


def _arguments(scope: ast.AST) -> set[str]:
    arguments = getattr(scope, "args", None)
    return {n.arg for n in ast.walk(arguments) if isinstance(n, ast.arg)} if arguments else set()


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return [node.id]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
        case _:
            return node.names if isinstance(node, (ast.Global, ast.Nonlocal)) else []
