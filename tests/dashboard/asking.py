"""Questions to callbacks as the browser asks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Question = dict[str, Any]

USUAL: Mapping[str, Any] = {
    "compare-split.value": "val",
    "compare-axis.value": "epoch",
    "compare-measure.value": "loss",
    "compare-view.value": "overlaid",
    "compare-need.value": "decisions",
    "compare-fp.value": "1",
    "revision.data": {"path": "/"},
    "run-axis.value": "step",
    "run-detail.value": "both",
    "run-kind.value": "worst",
    "run-value.value": "recomputed",
    "scheme.data": "light",
    "url.pathname": "/",
}
"""What properties are where a test does not say it."""


def questions(dependencies: list[dict[str, Any]], values: Mapping[str, Any]) -> list[Question]:
    """A question to each callback of the server, with some values of its inputs and states.

    Args:
        dependencies: what `/_dash-dependencies` answers.
        values: by `id.property`.
    """
    return [
        _question(one, {**USUAL, **values})
        for one in dependencies
        if one["clientside_function"] is None
    ]


def question_for(
    dependencies: list[dict[str, Any]], output: str, values: Mapping[str, Any]
) -> Question:
    """The question whose answer goes to an `id.property`."""
    (found,) = [one for one in questions(dependencies, values) if output in one["output"]]
    return found


def ask(client: FlaskClient, output: str, values: Mapping[str, Any]) -> TestResponse:
    """Ask the callback that fills an `id.property`."""
    body = question_for(client.get("/_dash-dependencies").get_json(), output, values)
    return client.post("/_dash-update-component", json=body)


def _question(dependency: Mapping[str, Any], values: Mapping[str, Any]) -> Question:
    output: str = dependency["output"]
    several = output.startswith("..")
    names = output.strip(".").split("...") if several else [output]
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    filled = {
        kind: [
            {key: part[key] for key in ("id", "property")}
            | {"value": values.get(f"{part['id']}.{part['property']}")}
            for part in dependency[kind]
        ]
        for kind in ("inputs", "state")
    }
    changed = [f"{part['id']}.{part['property']}" for part in filled["inputs"]]
    return {
        "output": output,
        "outputs": outputs if several else outputs[0],
        "changedPropIds": changed,
        **filled,
    }
