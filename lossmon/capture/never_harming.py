"""Keep an error inside lossmon away from training; all but the refusals that the user asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from lossmon.errors import CannotResume, InvalidCombination


class _Troubled(Protocol):
    def trouble(self, error: BaseException) -> None: ...


P = ParamSpec("P")
S = TypeVar("S", bound=_Troubled)


def never_harming(
    method: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """Hand what a method raises to the `trouble` of its object.

    Raises:
        InvalidCombination: where the method does, as of `strict=True`.
        CannotResume: likewise, as of `resume=True`.
    """

    @wraps(method)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except (InvalidCombination, CannotResume):
            raise
        except Exception as error:
            self.trouble(error)

    return guarded
