"""Numbers and values as a report writes them."""

from __future__ import annotations

import math
from typing import Any

from lossmon.analysis import setting_text


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
