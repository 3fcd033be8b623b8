"""Times in the zone of the person who looks, which their browser names in a cookie."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import flask

ZONE_COOKIE = "lossmon_zone"


def viewer_zone() -> tzinfo:
    """The zone named by the browser; UTC where it names none that is known here."""
    name = (
        unquote(flask.request.cookies.get(ZONE_COOKIE, "")) if flask.has_request_context() else ""
    )
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(iso: str, zone: tzinfo) -> str:
    """An ISO 8601 time as `21 Nov 2026, 23:16 (UTC)`.

    Raises:
        ValueError: where `iso` is not an ISO 8601 time.
    """
    time = datetime.fromisoformat(iso).astimezone(zone)
    return f"{time.day} {time:%b %Y, %H:%M} ({time.tzname()})"
