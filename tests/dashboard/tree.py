"""What a component says, and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import dash_mantine_components as dmc
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder


def as_json(content: Any) -> Any:
    """The content as the browser gets it."""
    return json.loads(json.dumps(content, cls=PlotlyJSONEncoder))


def components(content: Any) -> Iterator[Component]:
    """Every component in a content, from the outside in."""
    if isinstance(content, Component):
        yield content
        for name in content._prop_names:
            yield from components(getattr(content, name, None))
    elif isinstance(content, list | tuple):
        for part in content:
            yield from components(part)


def words(content: Any) -> str:
    """All text of a content, in order, as it is read: without what has no width."""
    if isinstance(content, str):
        return content.replace("\N{ZERO WIDTH SPACE}", "")
    table = getattr(content, "data", None) if isinstance(content, dmc.Table) else None
    if table is not None:
        return words([table["head"], *table["body"]])
    if isinstance(content, Component):
        return words(getattr(content, "children", None))
    if isinstance(content, list | tuple):
        return " ".join(filter(None, map(words, content)))
    return "" if content is None else str(content)
