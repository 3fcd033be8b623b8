"""The errors that lossmon raises.

    LossmonError
    ├── InvalidCombination      an `error` finding stands and `strict=True`
    ├── InvalidArgument         a value that the caller gave is not usable (also a ValueError)
    │   └── UnknownArgument     there is no argument of that name (also a TypeError)
    ├── UnsupportedKeras        Keras is too old, or is Keras 2 (also an ImportError)
    ├── MissingExtra            an optional package is needed (also an ImportError)
    └── StoreError              the database cannot be used as it is
        ├── SchemaOutdated      older than this lossmon: `lossmon db upgrade`
        ├── SchemaTooNew        written by a newer lossmon
        ├── RunNotFound         no run, or several, answer to that name (also a LookupError)
        ├── RunGone             what is being recorded was deleted, or resumed elsewhere
        └── CannotResume        the run cannot be resumed by this training

Every message says what was expected, what came, and the fix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Finding(Protocol):
    """What is said of a `lossmon.records.Finding`, which lies a layer above."""

    @property
    def code(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def fix(self) -> str: ...


class LossmonError(Exception):
    """The root of all errors that lossmon raises on purpose."""


class InvalidCombination(LossmonError):
    """A combination of model, loss, labels and metrics makes a printed number meaningless.

    Args:
        findings: the `error` findings that stand.

    Attributes:
        findings: the same findings, as a tuple.
    """

    def __init__(self, findings: Sequence[_Finding]) -> None:
        self.findings = tuple(findings)
        lines = [f"{f.code} {f.rule}: {f.message}\n  Fix: {f.fix}" for f in self.findings]
        super().__init__(
            "training was refused before its first step, because `strict=True` and "
            f"{len(lines)} error finding(s) stand:\n" + "\n".join(lines)
        )


class InvalidArgument(LossmonError, ValueError):
    """A value given by the caller is not usable."""


class UnknownArgument(InvalidArgument, TypeError):
    """An argument was given by a name that there is not."""


class MissingExtra(LossmonError, ImportError):
    """An optional package is needed for what was asked.

    Args:
        package: the package that is missing.
        purpose: what it is needed for.
        extra: the extra of lossmon that brings it; None where there is none.
    """

    def __init__(self, package: str, purpose: str, extra: str | None) -> None:
        wanted = package if extra is None else f"'lossmon[{extra}]'"
        super().__init__(
            f"{purpose} needs the package `{package}`, which is not installed. "
            f"Fix: pip install {wanted}"
        )


class UnsupportedKeras(LossmonError, ImportError):
    """Keras is older than lossmon can watch, or a model is one of `tf_keras`, which is Keras 2."""


class StoreError(LossmonError):
    """The database cannot be used as it is."""


class DatabaseMissing(StoreError):
    """There is no database where one is to be read: the first run makes it."""


class SchemaOutdated(StoreError):
    """The database was written by an older lossmon."""


class SchemaTooNew(StoreError):
    """The database was written by a newer lossmon."""


class RunNotFound(StoreError, LookupError):
    """No run, or more than one, answers to the name that was given."""


class RunGone(StoreError):
    """The run that is being recorded was deleted, or another training has resumed it."""


class CannotResume(StoreError):
    """The run that was to be resumed is still running, or is not one of this model."""
