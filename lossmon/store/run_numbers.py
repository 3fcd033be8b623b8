"""Words of a search that compare a number of a run: `val_loss<0.1`, `lr>=0.01`, `epochs=3`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

CONFIG = "config."
# By what is typed before the sign: as lists are titled, and as the columns are named.
NUMBERS: Mapping[str, str] = {
    "val_loss": "val_loss",
    "val_accuracy": "val_accuracy",
    "val_meant": "val_intended_accuracy",
    "best_val_loss": "best_val_loss",
    "best_val_accuracy": "best_val_accuracy",
    "train_loss": "loss",
    "train_accuracy": "accuracy",
    "best_train_loss": "best_loss",
    "best_train_accuracy": "best_accuracy",
    "loss": "loss",
    "accuracy": "accuracy",
    "epochs": "epochs",
    "duration": "duration",
    "verified": "verified",
}
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": lambda value, other: math.isclose(value, other, rel_tol=1e-9),
}
_COMPARED = re.compile(r"([^<>=:]+)([<>]=?|=)(.*)")
_TITLE = re.compile(
    rf"({'|'.join(key.replace('_', ' ') for key in sorted(NUMBERS, key=len)[::-1])})(?=[<>=])",
    re.IGNORECASE,
)
_SIGN = re.compile(r"\s*([<>]=?)\s*(?=[-+.]?\d)")


class Compared(NamedTuple):
    """What a word such as `lr>=0.01` says.

    Attributes:
        key: what stands before the sign.
        sign: `<`, `<=`, `>`, `>=` or `=`.
        value: what stands behind it.
    """

    key: str
    sign: str
    value: str


def split_words(text: str) -> list[str]:
    """Return the words of a search; `Val loss < 0.1` is one, `val_loss<0.1`.

    Args:
        text: as it was typed.
    """
    joined = _SIGN.sub(r"\1", text)
    return _TITLE.sub(lambda title: title[0].replace(" ", "_"), joined).split()


def compared(word: str) -> Compared | None:
    """Return what a word compares; None where it compares nothing.

    Args:
        word: of `split_words`. With `=` only what is a number of every run: settings are found by
            the text `lr=0.01`.
    """
    found = _COMPARED.fullmatch(word.casefold())
    if found is None or (found[2] == "=" and found[1] not in NUMBERS):
        return None
    return Compared(*found.groups())


def number_of(text: str) -> float | None:
    """Return what a text such as `0.1` or `90%` is as a number; None where it is none.

    Args:
        text: what stands behind a sign.
    """
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    return value / 100 if text.endswith("%") else value


def holds(run: Mapping[str, Any], word: str) -> bool:
    """Return whether a word compares a number of a run, and that holds.

    Args:
        run: its columns by name, `config.…` among them.
        word: of `split_words`.
    """
    found = compared(word)
    wanted = None if found is None else number_of(found.value)
    if found is None or wanted is None:
        return False
    columns = {
        NUMBERS.get(found.key, ""),
        *(key for key in run if key.casefold() == CONFIG + found.key),
    }
    values = (run.get(column) for column in columns)
    return any(_SIGNS[found.sign](v, wanted) for v in values if isinstance(v, (int, float)))


def unknown_numbers(words: str, settings: Iterable[str]) -> list[str]:
    """Return what stands before `<` or `>` among some words, and is no number of a run.

    Args:
        words: as `RunQuery` has them.
        settings: the columns `config.…` that runs have.
    """
    known = {key.removeprefix(CONFIG).casefold() for key in settings} | NUMBERS.keys()
    found = (compared(word) for word in split_words(words))
    return [*dict.fromkeys(one.key for one in found if one and one.key not in known)]


def no_numbers(words: str) -> list[str]:
    """Return what stands behind a sign among some words, and is no number.

    Args:
        words: as `RunQuery` has them.
    """
    found = (compared(word) for word in split_words(words))
    return [*dict.fromkeys(one.value for one in found if one and number_of(one.value) is None)]
