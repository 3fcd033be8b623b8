"""Plain text with a little structure: `code`, lists, links. Nothing is rendered as HTML."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.code import paste_ready

_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)")
_ITEM = re.compile(r"^- ", re.MULTILINE)


def with_code(text: str) -> list[Any]:
    """A text whose passages between backticks are set as code."""
    return [
        dmc.Code(part) if place % 2 else part
        for place, part in enumerate(_CODE.split(text))
        if part
    ]


def passages(text: str) -> list[Any]:
    """Documentation as paragraphs, lists and code that can be copied."""
    return [paste_ready(part) if is_code else _paragraph(part) for part, is_code in _blocks(text)]


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Paragraphs, and whether each is code: fenced by three backticks."""
    for place, part in enumerate(_FENCED.split(text)):
        if place % 2:
            yield textwrap.dedent(part).strip("\n"), True
        else:
            yield from (
                (block.strip(), False) for block in re.split(r"\n\s*\n", part) if block.strip()
            )


def _paragraph(text: str) -> dmc.List | dmc.Text:
    if not text.startswith("- "):
        return dmc.Text(_linked(text))
    items = [dmc.ListItem(_linked(item)) for item in _ITEM.split(text) if item.strip()]
    return dmc.List(items)


def _linked(text: str) -> list[Any]:
    parts = _LINK.split(" ".join(text.split()))
    children: list[Any] = with_code(parts[0])
    for words, address, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        link = html.A(
            words, href=address, target="_blank", rel="noopener", className="lossmon-link"
        )
        children += [link, *with_code(rest)]
    return children
