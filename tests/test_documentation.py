"""Every public name is documented: what it is, what it takes, what it gives, what it raises."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol

import pytest

MODULES = (
    *("lossmon", "lossmon.recompute", "lossmon.analysis", "lossmon.store", "lossmon.exchange"),
    *("lossmon.rules", "lossmon.records", "lossmon.errors", "lossmon.report", "lossmon.static"),
    *("lossmon.trackers", "lossmon.capture", "lossmon_dashboard", "lossmon_dashboard.figures"),
)
# What a summary may begin with, instead of a section of its own for what comes back.
TOLD = r"\A(Return|Yield|Whether) "
SHAPE = r"`\(|scalar|one row a sample"


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    faults = [f"{public}: {fault}" for public, fault in _faults(module)]
    assert faults == []


def test_what_is_missing_is_seen() -> None:
    def bad(first: int, second: int) -> int:
        """Take the one from the other.

        Args:
            first: the one.
        """
        if first < second:
            raise ValueError
        return first - second

    assert list(_of_callable(bad)) == [
        "`Args:` lacks ['second']",
        "neither `Returns:` nor a summary that begins with Return",
        "`Raises:` lacks ['ValueError']",
    ]


def _faults(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name in _names(module):
        public = getattr(module, name)
        if inspect.isclass(public):
            yield from ((name, fault) for fault in _of_class(public))
            for method, function in _methods(public):
                yield from ((f"{name}.{method}", fault) for fault in _of_callable(function))
        elif inspect.isfunction(public):
            yield from ((name, fault) for fault in _of_callable(public))


def _names(module: ModuleType) -> list[str]:
    own = (
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    )
    return list(getattr(module, "__all__", own))


def _methods(public: type) -> Iterator[tuple[str, Any]]:
    """The public methods of a class, but for those that a base class documents."""
    for name, value in vars(public).items():
        function = getattr(value, "__func__", value)
        inherited = any(hasattr(base, name) for base in public.__mro__[1:])
        if name[0] != "_" and inspect.isfunction(function) and not inherited:
            yield name, function


def _of_class(public: Any) -> Iterator[str]:
    doc = inspect.cleandoc(vars(public).get("__doc__") or "")
    # What dataclasses and named tuples write themselves tells nothing.
    if not doc or doc.startswith(f"{public.__name__}("):
        yield "no docstring"
    missing = _held(public) - _named(doc, "Attributes") - _named(doc, "Args")
    if missing:
        yield f"`Attributes:` or `Args:` lacks {sorted(missing)}"


def _held(public: Any) -> set[str]:
    """The fields of a record; of other classes what they are made of."""
    if dataclasses.is_dataclass(public):
        return {field.name for field in dataclasses.fields(public) if field.name[0] != "_"}
    if hasattr(public, "_fields") or "__init__" not in vars(public) or Protocol in public.__mro__:
        return set(getattr(public, "_fields", ()))
    return set(inspect.signature(public.__init__).parameters) - {"self"}


def _of_callable(function: Any) -> Iterator[str]:
    doc = inspect.getdoc(function) or ""
    if not doc:
        yield "no docstring"
    signature = inspect.signature(function)
    if missing := set(signature.parameters) - {"self", "cls"} - _named(doc, "Args"):
        yield f"`Args:` lacks {sorted(missing)}"
    if not _is_told(signature.return_annotation, doc):
        yield "neither `Returns:` nor a summary that begins with Return"
    if missing := _raised(function) - _named(doc, "Raises"):
        yield f"`Raises:` lacks {sorted(missing)}"
    given = " ".join(str(parameter.annotation) for parameter in signature.parameters.values())
    if re.search("ArrayLike|NDArray", given) and not re.search(SHAPE, doc):
        yield "no shape of its arrays"


def _named(doc: str, title: str) -> set[str]:
    section = re.search(rf"^{title}:\n((?:(?:    .*)?\n)*)", doc + "\n", flags=re.MULTILINE)
    rows = re.findall(r"^    (\S[^:]*):", section[1] if section else "", flags=re.MULTILINE)
    return {name.strip(" *`") for row in rows for name in row.split(",")}


def _is_told(given: Any, doc: str) -> bool:
    """Whether what comes back is nothing, a class that documents itself, or told of."""
    if given in (None, "None", "go.Figure", inspect.Signature.empty):
        return True
    record = re.fullmatch(r"[A-Z]\w+", str(given)) and not re.search(r"Any|Array|Floats", given)
    return bool(record) or bool(re.search(rf"{TOLD}|^(Returns|Yields):$", doc, flags=re.MULTILINE))


def _raised(function: Any) -> set[str]:
    """The errors that it raises in its own body."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    errors = (n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc is not None)
    called = (error.func if isinstance(error, ast.Call) else error for error in errors)
    return {name.id for name in called if isinstance(name, ast.Name) and name.id[0].isupper()}
