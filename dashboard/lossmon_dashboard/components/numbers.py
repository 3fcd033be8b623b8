"""A few numbers side by side, each with what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import dash_mantine_components as dmc
from dash import html


class Told(NamedTuple):
    """A number as people read it.

    Attributes:
        label: what it is.
        value: the number in sensible digits.
        words: how to read it.
    """

    label: str
    value: str
    words: str = ""


def numbers_told(told: Iterable[Told]) -> html.Div:
    """The numbers, as many to a line as fit."""
    return html.Div([_number(one) for one in told], className="lossmon-numbers")


def _number(told: Told) -> html.Div:
    return html.Div(
        [
            dmc.Text(told.label, size="sm", c="dimmed"),
            dmc.Text(told.value, className="lossmon-figure"),
            *([dmc.Text(told.words, size="xs", c="dimmed")] if told.words else []),
        ]
    )
