"""Nested settings as a two-column list, and what differs between several of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc

from lossmon_dashboard.wording import breakable, number

_LONGEST_WHOLE = 1e15
# A table of its own tells these.
_TABLES = ("summary", "model.summary")


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted names and readable values; what is not set is left out."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if name in _TABLES:
            continue
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")  # pyright: ignore[reportUnknownArgumentType]
        elif value is not None:
            flat[name] = value_words(value)
    return flat


def fact_table(settings: Mapping[str, Any], nothing: str) -> dmc.Table | dmc.Text:
    """Settings as a table of names and values.

    Args:
        settings: what is known, possibly nested.
        nothing: what to say where nothing is.
    """
    flat = flatten(settings)
    if not flat:
        return dmc.Text(nothing, size="sm", c="dimmed")
    rows = [
        dmc.TableTr(
            [dmc.TableTd(breakable(name), className="lossmon-key"), dmc.TableTd(breakable(value))]
        )
        for name, value in flat.items()
    ]
    return dmc.Table(dmc.TableTbody(rows), className="lossmon-facts", verticalSpacing=6)


def value_words(value: Any) -> str:
    """A setting as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _LONGEST_WHOLE
        return f"{value:,.0f}" if whole else number(value)
    if isinstance(value, str) or value is None:
        return value or "not known"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(value_words, value))
    return json.dumps(value, ensure_ascii=False)
