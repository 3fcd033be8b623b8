"""Seconds, ratios and shares as they are written for people."""

from __future__ import annotations

from tests.bench.ratios import Spread

UNKNOWN = "–"
_MILLISECONDS_FROM = 0.01


def duration(seconds: float) -> str:
    """Microseconds, or milliseconds where it is long.

    >>> duration(0.00034), duration(0.0712)
    ('340 µs', '71.2 ms')
    """
    if abs(seconds) < _MILLISECONDS_FROM:
        return f"{seconds * 1e6:,.0f} µs"
    return f"{seconds * 1e3:,.1f} ms"


def added(spread: Spread) -> str:
    """A difference in seconds with its quartiles.

    >>> added(Spread(-0.00001, 0.0002, 0.0004))
    '+200 µs (-10 to +400)'
    """
    long = max(abs(value) for value in spread) >= _MILLISECONDS_FROM
    scale, unit, form = (1e3, "ms", "+,.1f") if long else (1e6, "µs", "+,.0f")
    low, median, high = (format(value * scale, form) for value in spread)
    return f"{median} {unit} ({low} to {high})"


def ratio(spread: Spread) -> str:
    """A ratio with its quartiles.

    >>> ratio(Spread(0.99, 1.02, 1.1))
    '×1.02 (0.99–1.10)'
    """
    return f"×{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def finer_ratio(spread: Spread) -> str:
    """A ratio that is close to 1, within an interval.

    >>> finer_ratio(Spread(0.9951, 1.0024, 1.0108))
    '×1.002 (0.995–1.011)'
    """
    return f"×{spread.median:.3f} ({spread.low:.3f}–{spread.high:.3f})"


def finer_share(value: float) -> str:
    """A share of few per cent.

    >>> finer_share(0.01255)
    '1.3 %'
    """
    return f"{value:.1%}".replace("%", " %")


def share(value: float | None) -> str:
    """A share in per cent.

    >>> share(0.255), share(None)
    ('26 %', '–')
    """
    return UNKNOWN if value is None else f"{value:.0%}".replace("%", " %")
