"""Passwords of databases in texts that are printed or kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

HIDDEN = "***"
SECRET_OPTIONS = ("password", "sslpassword")
"""What may be a secret in the query of a PostgreSQL URL."""

_PLACES = (
    # A database's password may hold any sign, so that it ends at the last `@`; others at the first.
    re.compile(r"(\bpostgres(?:ql)?(?:\+\w+)?://[^\s/:@]*:).*(?=@)", re.IGNORECASE),
    re.compile(r"(\b[a-z][\w+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(rf"([?&](?:{'|'.join(SECRET_OPTIONS)})=)[^&\s]*", re.IGNORECASE),
)


def without_passwords(value: Any) -> Any:
    """Return a value with `***` in place of each password in a URL.

    Args:
        value: a text, or lists and dictionaries that hold texts; anything else stays as it is.
    """
    if isinstance(value, str):
        for place in _PLACES:
            value = place.sub(rf"\1{HIDDEN}", value)
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {key: without_passwords(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [without_passwords(item) for item in cast("Sequence[Any]", value)]
    return value
