"""Why a search finds no run."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.store import (
    NUMBERS,
    no_numbers,
    search_keys,
    unknown_keys,
    unknown_numbers,
    unknown_values,
)
from lossmon_dashboard.components.run_columns import CONFIG
from lossmon_dashboard.wording import listing

_MOST_KEYS = 20
"""Keys to search by that are named."""


def why_nothing(words: str, settings: Sequence[str]) -> str:
    """Which of the words no run can be found by; empty where that is not why nothing is found.

    Args:
        words: that were searched for.
        settings: the columns `config.…` that there are.
    """
    for word, values in unknown_values(words).items():
        key, _, value = word.partition(":")
        return f"“{value}” is no {key.casefold()}. These are: {listing([*values])}."
    if unknown := unknown_numbers(words, settings):
        own = (key.removeprefix(CONFIG) for key in settings)
        return _none_of(unknown, ("number", "numbers"), [*NUMBERS, *own])
    if unknown := unknown_keys(words, settings):
        return _none_of(unknown, ("key", "keys"), search_keys(settings))
    for value in no_numbers(words):
        return f"“{value}” is no number: write val_loss<0.1, accuracy>=90% or epochs=3."
    return ""


def _none_of(unknown: Sequence[str], noun: tuple[str, str], keys: Sequence[str]) -> str:
    more = len(keys) - _MOST_KEYS
    named = [*keys[:_MOST_KEYS], *([f"{more} more"] if more > 0 else [])]
    one, several = noun
    verb = f"is no {one}" if len(unknown) == 1 else f"are no {several}"
    quoted = listing([f"“{key}”" for key in unknown])
    return f"{quoted} {verb} to search by. These are: {listing(named)}."
