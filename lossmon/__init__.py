"""lossmon: the honest meter for Keras training.

    import lossmon
    model.fit(x, y, callbacks=[lossmon.Monitor()])

`Monitor` and `check` import keras when they are first touched; everything else does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lossmon import recompute
from lossmon.errors import (
    CannotResume,
    DatabaseMissing,
    InvalidArgument,
    InvalidCombination,
    LossmonError,
    MissingExtra,
    RunGone,
    RunNotFound,
    SchemaOutdated,
    SchemaTooNew,
    StoreError,
    UnknownArgument,
    UnsupportedKeras,
)
from lossmon.records import Finding

if TYPE_CHECKING:
    from lossmon import analysis
    from lossmon.capture import Monitor, check
    from lossmon.inline import dashboard
    from lossmon.store import Store, open_store

__version__ = "0.1.0"

__all__ = [
    "CannotResume",
    "DatabaseMissing",
    "Finding",
    "InvalidArgument",
    "InvalidCombination",
    "LossmonError",
    "MissingExtra",
    "Monitor",
    "RunGone",
    "RunNotFound",
    "SchemaOutdated",
    "SchemaTooNew",
    "Store",
    "StoreError",
    "UnknownArgument",
    "UnsupportedKeras",
    "__version__",
    "analysis",
    "check",
    "dashboard",
    "open_store",
    "recompute",
]

_LAZY = {
    "Monitor": "lossmon.capture",
    "check": "lossmon.capture",
    "dashboard": "lossmon.inline",
    "Store": "lossmon.store",
    "open_store": "lossmon.store",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "analysis":
        return import_module("lossmon.analysis")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'lossmon' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
