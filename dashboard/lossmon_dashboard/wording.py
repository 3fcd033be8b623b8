"""Numbers, spans and counts as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

NOTHING = "\N{EN DASH}"
_NO_WIDTH = "\N{ZERO WIDTH SPACE}"
# Behind what joins words, and before a capital: numbers stay whole.
_BETWEEN_PARTS = re.compile(r"(?<=[^\W\d_][._/=(])(?=[^\W_])|(?<=[a-z])(?=[A-Z])")


def number(value: float | None, digits: int = 4) -> str:
    """A value in sensible digits: `0.08412`, `1,204`, `3.2e-07`; a dash where it is not known."""
    if value is None:
        return NOTHING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{max(digits - 2, 1)}e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def numbers(values: Iterable[float]) -> list[str]:
    """`number` of each of many: most are of a size that needs no thought."""
    return [f"{one:.4g}" if 1e-4 <= one < 1000 else number(one) for one in values]


def share(value: float | None) -> str:
    """A share from 0 to 1 as a percentage; 100 % is only said of the whole."""
    if value is None or not math.isfinite(value):
        return NOTHING
    percent = min(round(value * 100, 1), 99.9) if value < 1 else 100.0
    return f"{percent:g} %"


def duration(seconds: float | None) -> str:
    """A span in its two largest units: `0.4 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def breakable(text: str) -> str:
    """A text whose long names go on in the next line between their parts: `learning_` `rate`.

    What marks these places has no width, and `assets/copied.js` leaves it out of what is copied.

    Args:
        text: plain, with names such as `optimizer.learning_rate` or `BinaryAccuracy` in it.
    """
    return _BETWEEN_PARTS.sub(_NO_WIDTH, text)


def count(amount: int, noun: str) -> str:
    """A number with its noun: `1 epoch`, `20 epochs`, `3 batches`."""
    if amount == 1:
        return f"1 {noun}"
    plural = noun + ("es" if noun.endswith(("s", "tch", "sh")) else "s")
    return f"{amount:,} {plural}"


def sentence(name: str) -> str:
    """The name of a rule as words: `accuracy-with-regression` → `Accuracy with regression`."""
    return capitalised(name.replace("-", " "))


def capitalised(text: str) -> str:
    """A text with its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def listing(words: list[str]) -> str:
    """Words as a sentence has them: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
