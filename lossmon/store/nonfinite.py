"""Keeping NaN and the infinities through SQL columns and JSON documents.

SQLite turns NaN into NULL, PostgreSQL sorts it above every number, and JSON has no word for it. A
non-finite value is therefore stored as NULL in its own column, and its kind ("nan", "+inf",
"-inf") in the row's `nonfinite_kinds`; inside a JSON document it is written {"$nonfinite": "nan"}.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

_FLOATS = {"nan": math.nan, "+inf": math.inf, "-inf": -math.inf}
_TAG = "$nonfinite"


def kind(value: float) -> str:
    """Name a non-finite float: "nan", "+inf" or "-inf"."""
    if math.isnan(value):
        return "nan"
    return "+inf" if value > 0 else "-inf"


def nonfinite_kinds(values: Mapping[str, float | None]) -> dict[str, str]:
    """Return the kind of each value that is not finite, by name."""
    return {
        name: kind(value)
        for name, value in values.items()
        if value is not None and not math.isfinite(value)
    }


def restore_kinds(kinds: str | None) -> dict[str, float]:
    """Return the non-finite floats of a row by column, from its `nonfinite_kinds`."""
    if kinds is None:
        return {}
    return {name: _FLOATS[kind] for name, kind in json.loads(kinds).items()}


def storable_text(text: str) -> str:
    """Replace what no engine can store as text: lone surrogates and the NUL character."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")


def document(value: Any) -> str:
    """Return `value` as JSON, see `encode_json`."""
    # Nearly all is plain and finite, and has no character that is written by its number.
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        text = ""
    return text if text and "\\u" not in text else json.dumps(encode_json(value))


def encode_json(value: Any) -> Any:
    """Return `value` in terms that every JSON reader takes; what is not JSON becomes its text.

    Args:
        value: any Python value; NumPy scalars and arrays become numbers and lists.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_TAG: kind(value)}
    if isinstance(value, np.generic | np.ndarray):
        return _encode_numpy(value)
    return _encode_container(value)


def _encode_numpy(value: np.generic | np.ndarray[Any, Any]) -> Any:
    plain = value.tolist()
    return storable_text(repr(value)) if isinstance(plain, np.generic) else encode_json(plain)


def _encode_container(value: Any) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {storable_text(str(key)): encode_json(item) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        items = [*cast("Iterable[Any]", value)]
        # Histograms and counts, in long lists: a sum is finite only where all of its terms are.
        if set(map(type, items)) == {float} and math.isfinite(sum(items)):
            return items
        return [encode_json(item) for item in items]
    return storable_text(str(value))


def decode_json(value: Any) -> Any:
    """Restore the floats that `encode_json` had to spell out."""
    if isinstance(value, list):
        return [decode_json(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    items = cast("dict[str, Any]", value)
    if items.keys() == {_TAG} and items[_TAG] in _FLOATS:
        return _FLOATS[items[_TAG]]
    return {key: decode_json(item) for key, item in items.items()}
