"""The panels of a run's page, empty, with the controls that decide what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.notice import back_to_runs
from lossmon_dashboard.components.panel import chart, panel
from lossmon_dashboard.components.verification import verification_grid
from lossmon_dashboard.figures.history import HistoryView
from lossmon_dashboard.figures.panes import PAIR_HEIGHT

WHOLE_MODEL = ""
"""The value of the output selector that stands for the model as a whole."""

Row = Mapping[str, Any]

_DETAILS = [
    {"value": "both", "label": "Epochs and batches"},
    {"value": "epochs", "label": "Epochs"},
    {"value": "batches", "label": "Batches"},
]
_VALUES = [
    {"value": "recomputed", "label": "Recomputed"},
    {"value": "own", "label": "Keras' own"},
    {"value": "reported", "label": "Printed"},
    {"value": "all", "label": "All"},
]


def run_panels(outputs: Sequence[Row], view: HistoryView) -> list[Any]:
    """Every panel of the page, still empty, from the head to the settings.

    Args:
        outputs: what is known of the model's outputs.
        view: what the controls stand at.
    """
    return [
        html.Div([back_to_runs(), html.Div(id="run-header")]),
        html.Section(id="run-findings", **spoken("Findings")),
        panel(
            "What “accuracy” means here",
            "Keras resolves the word from tensor shapes alone. This is what it became.",
            html.Div(id="run-accuracy"),
        ),
        panel(
            "Loss and accuracy",
            "Every batch is a faint line, every epoch a marked one. Drag to zoom: both charts "
            "follow. Values are lossmon's own second computation unless you choose otherwise.",
            _controls(outputs, view),
            chart("run-history", "Loss and accuracy over training steps", PAIR_HEIGHT),
        ),
        panel(
            "Where loss and accuracy part ways",
            "Spans of epochs, shaded in the chart, in which loss and accuracy say different things "
            "of the model, by more than sampling error and the usual wobble.",
            html.Div(id="run-divergence"),
        ),
        _confidence_panels(),
        panel(
            "Printed and meant",
            "Why the numbers that fit printed are not simply those of the data: the last epoch, "
            "reason by reason.",
            html.Div(id="run-printed"),
        ),
        panel(
            "Verification",
            "What Keras printed is a mean over the epoch while the weights were moving; its own "
            "value is that of the data alone; lossmon computes the same again, independently. "
            "The gap is printed minus recomputed.",
            dmc.Text(id="run-verified", fw=550, mb="sm"),
            verification_grid(
                "run-verification",
                several_outputs=len(outputs) > 1,
                accuracy=not outputs or any(output["accuracy_metric"] for output in outputs),
            ),
        ),
        html.Div(id="run-settings"),
    ]


def _confidence_panels() -> dmc.SimpleGrid:
    return dmc.SimpleGrid(
        [
            panel(
                "Right and wrong predictions",
                "When the loss rises while accuracy holds, it is usually a few wrong predictions "
                "made with more and more confidence.",
                chart("run-right-and-wrong", "Loss over right and over wrong predictions"),
            ),
            panel(
                "Calibration gap",
                "How much surer the model is than it is right. Above zero it is overconfident, "
                "below zero too cautious.",
                chart("run-calibration", "Confidence minus accuracy over training steps"),
            ),
            panel(
                "Reliability",
                "Of predictions made with 80 % confidence, 80 % should be right: bars below the "
                "dashed line are overconfident. Last validation epoch.",
                chart("run-reliability", "Share right by confidence"),
            ),
        ],
        id="run-confidence",
        cols={"base": 1, "md": 2, "lg": 3},
        spacing="md",
    )


def _controls(outputs: Sequence[Row], view: HistoryView) -> dmc.Group:
    choices, hidden = output_choices(outputs)
    return dmc.Group(
        [
            _choice("run-detail", "Detail", view.detail, _DETAILS),
            _choice("run-value", "Values", view.value, _VALUES),
            html.Div(
                _choice("run-output", "Output", view.output or WHOLE_MODEL, choices),
                id="run-output-choice",
                hidden=hidden,
            ),
            dmc.Switch(id="run-log", label="Logarithmic loss", checked=view.log),
        ],
        gap="md",
        mb="xs",
    )


def output_choices(outputs: Sequence[Row]) -> tuple[list[Any], bool]:
    """The choices of the output selector, and whether it is hidden because there is no choice."""
    named = [output["name"] for output in outputs] if len(outputs) > 1 else []
    return [{"value": WHOLE_MODEL, "label": "Whole model"}, *named], not named


def _choice(identity: str, label: str, value: str, data: Sequence[Any]) -> html.Div:
    control = dmc.SegmentedControl(id=identity, value=value, data=list(data), size="sm")
    return html.Div(control, className="lossmon-choice", role="group", **spoken(label))
