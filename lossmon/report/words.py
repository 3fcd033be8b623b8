"""Numbers and values as a report writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lossmon.analysis import Weighing, setting_text
from lossmon.analysis.grouping import ONE_TRAINING

_OTHER_SAMPLES = "samples not known to be the same: a difference may be one of the data"


def number(value: float | None) -> str:
    """Four significant digits; a dash for what is not known."""
    if value is None:
        return "–"
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def percent(share: float) -> str:
    """A share as a percentage; 100 % is said of the whole only."""
    return f"{math.floor(share * 1000) / 10:g} %"


def value_text(value: Any) -> str:
    """A setting in one line."""
    return "–" if value is None else " ".join(setting_text(value).split())


def samples_words(one: Weighing) -> str:
    """On which samples runs were compared.

    Args:
        one: a comparison, as `lossmon.analysis.weigh` gives it.
    """
    if one.shared:
        return f"{one.shared:,} shared samples"
    return _OTHER_SAMPLES if one.of_other_samples else "samples are not paired"


def doubts(one: Weighing) -> Iterator[str]:
    """Why what is said to be better may not be, though it is more than noise, in sentences.

    Args:
        one: a comparison, as `lossmon.analysis.weigh` gives it.
    """
    if not any(found.best and not found.as_good for found in one.recommendations):
        return
    told = [_OTHER_SAMPLES + "."] if one.of_other_samples and not one.group_differences else []
    told += [ONE_TRAINING] if (one.repeats_told or "").startswith(ONE_TRAINING) else []
    yield from (sentence[0].upper() + sentence[1:] for sentence in told)
