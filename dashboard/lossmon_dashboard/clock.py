"""Zone and colour scheme of the person who looks, which their browser names in cookies."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lossmon_dashboard.asked import current_request
from lossmon_dashboard.theme import Scheme

ZONE_COOKIE = "lossmon_zone"
SCHEME_COOKIE = "lossmon_scheme"


def viewer_zone() -> tzinfo:
    """The zone named by the browser; UTC where it names none that is known here."""
    try:
        return ZoneInfo(unquote(_told(ZONE_COOKIE)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def viewer_scheme() -> Scheme:
    """The colour scheme that the browser shows; light where it does not say."""
    return "dark" if _told(SCHEME_COOKIE) == "dark" else "light"


def _told(cookie: str) -> str:
    request = current_request()
    return "" if request is None else request.cookies.get(cookie, "")


def moment(iso: str, zone: tzinfo) -> str:
    """An ISO 8601 time as `21 Nov 2026, 23:16 (UTC)`.

    Raises:
        ValueError: where `iso` is not an ISO 8601 time.
    """
    time = datetime.fromisoformat(iso).astimezone(zone)
    return f"{time.day} {time:%b %Y, %H:%M} ({time.tzname()})"
