"""Telling bytes that lossmon wrote from bytes that something else has changed."""

from __future__ import annotations

import zlib
from collections.abc import Generator
from contextlib import contextmanager


class Damaged(Exception):
    """Stored bytes are not as lossmon writes them."""


@contextmanager
def damage_named(what: str) -> Generator[None]:
    """Turn whatever unpacking raises into a `Damaged` that says what was unpacked."""
    try:
        yield
    except (zlib.error, ValueError, TypeError, KeyError) as error:
        raise Damaged(f"{what} cannot be unpacked: {error}") from error
