"""Names for those who do not see the page."""

from __future__ import annotations

from typing import Any

CLOSE: Any = {"aria-label": "Close"}
"""The name of the button that closes a dialog."""


def spoken(words: str) -> dict[str, Any]:
    """Properties that give a part of the page the name that screen readers say."""
    return {"aria-label": words}
