"""How a run was set up, and what went wrong inside lossmon itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.facts import fact_table
from lossmon_dashboard.components.panel import panel

Row = Mapping[str, Any]


def run_settings(document: Row) -> dmc.Stack:
    """Outputs, config, model, environment and lossmon's own troubles."""
    return dmc.Stack(
        [
            *_troubles(document["troubles"]),
            html.Div(
                [
                    panel(
                        "Outputs",
                        "What each output of the model is judged by.",
                        *(_output(output) for output in document["outputs"]),
                    ),
                    panel(
                        "Config",
                        "What you passed as Monitor(config=…).",
                        fact_table(document["config"], "Nothing was passed."),
                    ),
                    panel(
                        "Model",
                        "The model and its optimizer.",
                        fact_table(document["model"], "Nothing is known of the model."),
                    ),
                    panel(
                        "Environment",
                        "Where and with what it ran.",
                        fact_table(document["environment"], "Nothing is known."),
                    ),
                ],
                className="lossmon-masonry",
            ),
        ],
        gap="md",
    )


def _output(output: Row) -> html.Div:
    hidden = {"name", "metrics", "loss_config"}
    facts = {
        key.replace("_", " "): value
        for key, value in output.items()
        if key not in hidden and value not in (None, False)
    }
    if output["shape"] is not None:
        sizes = ["batch" if size is None else str(size) for size in output["shape"]]
        facts["shape"] = f"({', '.join(sizes)})"
    title = [dmc.Text(output["name"], fw=600, mt="xs")] if output["name"] else []
    return html.Div([*title, fact_table(facts, "Nothing is known of this output.")])


def _troubles(troubles: Sequence[Row]) -> list[dmc.Paper]:
    if not troubles:
        return []
    return [
        callout(
            "warning",
            "lossmon had trouble during this run",
            dmc.Text("Training went on, but some of what lossmon records may be missing."),
            dmc.List([dmc.ListItem(trouble["message"]) for trouble in troubles]),
        )
    ]
