"""The frame of a run's page: head, findings, and the tabs with room for their contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.choice import choice
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import back_to_runs

WHOLE_MODEL = ""
"""The value of the output selector that stands for the model as a whole."""

Row = Mapping[str, Any]


class Head(NamedTuple):
    """What a page begins with.

    Attributes:
        header: the name of the run, and what is to be said of it in a line or two.
        findings: what the rules found.
        verdict: what it comes to.
        outputs: what is known of the model's outputs.
        output: the one that is looked at; None for the model as a whole.
    """

    header: Any
    findings: Any
    verdict: Any
    outputs: Sequence[Row]
    output: str | None


def run_panels(
    head: Head,
    tab: str,
    titles: Mapping[str, str],
    rooms: Mapping[str, Any],
) -> list[Any]:
    """The page from its head to its tabs.

    Args:
        head: what it begins with.
        tab: the tab that is open.
        titles: of each tab, by its key.
        rooms: content of each tab; None where it is not open.
    """
    choices, hidden = output_choices(head.outputs)
    return [
        html.Div([back_to_runs(), html.Div(head.header, id="run-header")]),
        html.Section(head.verdict, id="run-verdict", **spoken("In short")),
        html.Section(head.findings, id="run-findings", **spoken("Findings")),
        html.Div(
            choice("run-output", "Output", head.output or WHOLE_MODEL, choices),
            id="run-output-choice",
            hidden=hidden,
        ),
        dmc.Tabs(
            [
                dmc.TabsList(
                    [dmc.TabsTab(title, value=key) for key, title in titles.items()],
                    className="lossmon-tabs",
                    **spoken("Parts of this run"),
                ),
                *(
                    dmc.TabsPanel(
                        dmc.Stack(rooms[key], id=tab_room(key), gap="md", pt="md"), value=key
                    )
                    for key in titles
                ),
            ],
            id="run-tabs",
            value=tab,
        ),
    ]


def tab_room(key: str) -> str:
    """The id of the room that takes the content of a tab."""
    return f"run-tab-{key}"


def output_choices(outputs: Sequence[Row]) -> tuple[list[Any], bool]:
    """The choices of the output selector, and whether it is hidden because there is no choice."""
    named = [output["name"] for output in outputs] if len(outputs) > 1 else []
    return [{"value": WHOLE_MODEL, "label": "Whole model"}, *named], not named
