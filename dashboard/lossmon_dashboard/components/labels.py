"""Names for those who do not see the page, and for links within it."""

from __future__ import annotations

from typing import Any

CLOSE: Any = {"aria-label": "Close"}
"""The name of the button that closes a dialog."""

FIRST: Any = {"data-autofocus": True}
"""What has the focus when the dialog that it is in opens."""


def spoken(words: str) -> dict[str, Any]:
    """Properties that give a part of the page the name that screen readers say."""
    return {"aria-label": words}


def target(name: str) -> dict[str, Any]:
    """Properties that give a part of the page a name that `goes_to` leads to."""
    return {"data-target": name}


def goes_to(name: str, tab: str | None = None) -> dict[str, Any]:
    """Properties that make a button lead to a part of the page.

    Args:
        name: what `target` called it.
        tab: the tab of the run that it is on; None where it always stands.
    """
    return {"data-goes-to": name, **({} if tab is None else {"data-tab": tab})}
