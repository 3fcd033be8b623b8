"""How a run was set up, and what went wrong inside lossmon itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.store import ENDED_WITH
from lossmon_dashboard.clock import moment
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.facts import fact_table
from lossmon_dashboard.components.labels import target
from lossmon_dashboard.components.panel import panel, scrolled
from lossmon_dashboard.wording import NOTHING

Row = Mapping[str, Any]


def run_settings(document: Row, zone: tzinfo = UTC) -> dmc.Stack:
    """Outputs, config, model, environment and lossmon's own troubles.

    Args:
        document: the run.
        zone: of the times.
    """
    return dmc.Stack(
        [
            _troubles(document["troubles"], zone),
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
            panel(
                "Layers",
                "The model as it was when training began, layer by layer.",
                _layers((document["model"] or {}).get("summary")),
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
        facts["shape"] = shape_words(output["shape"])
    title = [dmc.Text(output["name"], fw=600, mt="xs")] if output["name"] else []
    return html.Div([*title, fact_table(facts, "Nothing is known of this output.")])


def _layers(layers: Sequence[Row] | None) -> html.Div | dmc.Text:
    if not layers:
        words = "Not recorded: by an older lossmon, or a model without layers of its own."
        return dmc.Text(words, size="sm", c="dimmed")
    heads = ("Layer", "Kind", "Output", "Weights", "Trained")
    rows = [
        (
            layer["name"],
            layer["class"],
            shape_words(layer["shape"]),
            NOTHING if layer["parameters"] is None else f"{layer['parameters']:,}",
            "yes" if layer["trainable"] else "no, frozen",
        )
        for layer in layers
    ]
    table = dmc.Table(
        [
            dmc.TableThead(dmc.TableTr([dmc.TableTh(head) for head in heads])),
            dmc.TableTbody([dmc.TableTr([dmc.TableTd(cell) for cell in row]) for row in rows]),
        ],
        className="lossmon-ends",
    )
    return scrolled("Layers", table)


def shape_words(shape: Sequence[Any] | None) -> str:
    """A shape as people write it: `(batch, 28, 28)`."""
    if shape is None:
        return NOTHING
    sizes = ["batch" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)})"


def _troubles(troubles: Sequence[Row], zone: tzinfo) -> dmc.Paper:
    own = [trouble for trouble in troubles if not trouble["message"].startswith(ENDED_WITH)]
    if not own:
        return callout(
            "good",
            "lossmon had no trouble",
            dmc.Text("All it set out to record is here.", size="sm"),
        )
    said = [
        dmc.ListItem([dmc.Text(f"{moment(trouble['time'], zone)}: ", span=True, c="dimmed"), words])
        for trouble in own
        for words in [trouble["message"]]
    ]
    return callout(
        "warning",
        "lossmon had trouble during this run",
        dmc.Text("Training went on, but some of what lossmon records may be missing."),
        dmc.List(said),
        **target("troubles"),
    )
