"""A choice among a few words, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.labels import spoken


def choice(identity: str, label: str, value: str, data: Sequence[Any]) -> html.Div:
    """One of a few words.

    Args:
        identity: the id of the component, whose `value` is the word chosen.
        label: what is chosen.
        value: the word that is chosen at first.
        data: the words, or {"value", "label"} of each.
    """
    return html.Div(
        [
            dmc.Text(label, size="xs", c="dimmed", mb=2),
            dmc.SegmentedControl(id=identity, value=value, data=list(data), size="sm"),
        ],
        className="lossmon-choice",
        role="group",
        **spoken(label),
    )
