"""What a comparison is asked by: which runs, of which data, and how their curves are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.links import MOST_COMPARED

AXES = {"epoch": "Epoch", "step": "Step", "time": "Time", "samples": "Samples"}
VIEWS = {"overlaid": "Overlaid", "apart": "Apart"}
MEASURES = {"loss": "Loss", "accuracy": "Accuracy"}
MOST_OVERLAID = 6
"""More runs are drawn apart unless the reader says otherwise."""

_SPLITS = [{"value": "val", "label": "Validation"}, {"value": "train", "label": "Training"}]


def run_picker(chosen: Sequence[str], offered: Sequence[dict[str, str]], split: str) -> dmc.Group:
    """Which runs are compared, and on which data.

    Args:
        chosen: ids of the runs that are compared.
        offered: those and further ones to choose from, as {"value", "label"}.
        split: `val` or `train`.
    """
    return dmc.Group(
        [
            dmc.MultiSelect(
                id="compare-runs",
                data=[*offered],
                searchValue="",
                nothingFoundMessage="No run matches.",
                value=list(chosen),
                searchable=True,
                maxValues=MOST_COMPARED,
                clearable=True,
                placeholder="Add a run",
                className="lossmon-several",
                **spoken("Runs to compare"),
            ),
            dmc.SegmentedControl(id="compare-split", data=_SPLITS, value=split),
        ],
        align="start",
    )


def drawing_control(axis: str, view: str, measure: str, *, runs: int) -> dmc.Group:
    """How the curves are drawn.

    Args:
        axis: what epochs are laid beside one another by; a word that is none stands for the usual.
        view: `overlaid` or `apart`; by the number of runs where it says neither.
        measure: `loss` or `accuracy`.
        runs: how many are compared.
    """
    usual = "apart" if runs > MOST_OVERLAID else "overlaid"
    overlaid = (view if view in VIEWS else usual) == "overlaid"
    return dmc.Group(
        [
            _choice("compare-axis", "Along", AXES, axis, "epoch"),
            _choice("compare-view", "Runs", VIEWS, view, usual),
            _choice("compare-measure", "Value", MEASURES, measure, "loss", hidden=overlaid),
            dmc.Button("CSV", id="compare-csv", variant="default", size="sm"),
            dcc.Download(id="compare-download"),
            dcc.Store(id="compare-columns"),
        ],
        gap="md",
        align="end",
        mb="sm",
    )


def _choice(
    identity: str,
    label: str,
    words: Mapping[str, str],
    value: str,
    usual: str,
    *,
    hidden: bool = False,
) -> html.Div:
    data = [{"value": key, "label": word} for key, word in words.items()]
    control = dmc.SegmentedControl(
        id=identity, value=value if value in words else usual, data=data, size="sm"
    )
    heading = dmc.Text(label, size="sm", fw=500, mb=3)
    return html.Div(
        [heading, control],
        id=f"{identity}-choice",
        role="group",
        className="lossmon-choice",
        hidden=hidden,
        **spoken(label),
    )
