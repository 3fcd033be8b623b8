"""Numbers as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossmon.records import Split

Reasons = Mapping[str, str]
"""The summary of each rule, by its code."""

SPLITS: dict[Split, str] = {"train": "training", "val": "validation"}


_DIGITS, _MOST_DIGITS = 3, 5


def loss_text(value: float, digits: int = _DIGITS) -> str:
    """A loss in so many digits; a large one without decimals where they are three."""
    if 1e3 <= abs(value) < 1e6:
        return f"{value:,.{digits - _DIGITS}f}"
    return f"{value:.{digits}g}"


def loss_texts(values: Sequence[float]) -> list[str]:
    """Losses that are set against one another: in more digits where three are the same of all.

    Where five are the same, so are the texts.
    """
    told = [loss_text(value) for value in values]
    for digits in range(_DIGITS + 1, _MOST_DIGITS + 1):
        if len({*told}) == 1:
            told = [loss_text(value, digits) for value in values]
    return told


def share_text(value: float) -> str:
    """A share as a percentage without decimals; never 0 or 100 % of what is not that."""
    percent = value * 100
    if 0 < percent < 1:
        return "less than 1 %"
    return f"{min(percent, 99.0) if percent < 100 else percent:.0f} %"


def capitalised(text: str) -> str:
    """A text with its first letter large."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """A text as it goes on after a colon; words in capitals and code stay as they are."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def reason_of(finding: Mapping[str, Any], reasons: Reasons) -> str:
    """What a finding says in one line, without a full stop; its rule's name where none is known.

    Of rules that find more than one thing its evidence says which one it is.
    """
    own = (finding["evidence"] or {}).get("summary")
    name = capitalised(str(finding["rule"]).replace("-", " "))
    return (own or reasons.get(finding["code"]) or name).rstrip(".")


def accuracy_text(value: float) -> str:
    """An accuracy or confidence in three decimals."""
    return f"{value:.3f}"


def count_text(value: float, noun: str) -> str:
    """How many: "1 wrong prediction", "24 wrong predictions"."""
    amount = round(value)
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"
