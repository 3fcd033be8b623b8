"""What the word `accuracy` means in this run, and how far it is from what was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.wording import number

Row = Mapping[str, Any]

_PLAIN_WORDS = {
    "BinaryAccuracy": "the share of values on the right side of a cut: a prediction above the "
    "threshold counts as 1, any other as 0, and must equal the label",
    "CategoricalAccuracy": "the share of samples whose largest output stands where the largest "
    "label stands",
    "SparseCategoricalAccuracy": "the share of samples whose largest output is the class that the "
    "label names",
    "TopKCategoricalAccuracy": "the share of samples whose class is among the k largest outputs",
    "SparseTopKCategoricalAccuracy": "the share of samples whose class is among the k largest "
    "outputs",
    "Accuracy": "the share of predictions that are exactly equal to their label",
}


class AccuracyMeaning(NamedTuple):
    """What is known of the accuracy of one output; values are those of the last epoch."""

    output: str | None
    metric: str
    words: str
    intended: str | None
    split: str
    printed: float | None
    recomputed: float | None
    meant: float | None
    exact: float | None
    majority: float | None


def accuracy_meanings(document: Row) -> list[AccuracyMeaning]:
    """One entry for each output that has an accuracy."""
    return [
        _meaning(output, document["epochs"])
        for output in document["outputs"]
        if output["accuracy_metric"]
    ]


def _meaning(output: Row, epochs: Sequence[Row]) -> AccuracyMeaning:
    metric = output["accuracy_metric"]
    rows = [row for row in epochs if row["output"] == output["name"]]
    last = max(rows, key=lambda row: (row["epoch"], row["split"] == "val"), default={})
    return AccuracyMeaning(
        output=output["name"],
        metric=metric,
        words=_PLAIN_WORDS.get(metric.partition("(")[0], "a metric of your own"),
        intended=output["intended_metric"],
        split="validation" if last.get("split") == "val" else "training",
        printed=last.get("reported_accuracy"),
        recomputed=last.get("recomputed_accuracy"),
        meant=last.get("intended_accuracy"),
        exact=last.get("intended_exact_match"),
        majority=(last.get("baselines") or {}).get("majority_accuracy"),
    )


def accuracy_panel(meanings: Sequence[AccuracyMeaning]) -> dmc.Stack | dmc.Text:
    """The meaning of the word for each output, in plain words."""
    if not meanings:
        return dmc.Text("This run has no accuracy: only its loss was measured.", size="sm")
    return dmc.Stack([_one(meaning) for meaning in meanings], gap="md")


def _one(meaning: AccuracyMeaning) -> html.Div:
    numbers = [
        _number("printed", meaning.printed, meaning.metric),
        _number("recomputed", meaning.recomputed, "the same, by lossmon"),
    ]
    if meaning.intended:
        numbers.append(_number("meant", meaning.meant, meaning.intended, strong=True))
    if meaning.exact is not None:
        numbers.append(_number("exact", meaning.exact, "samples with every label right"))
    if meaning.majority is not None:
        numbers.append(_number("constant", meaning.majority, "by one answer to everything"))
    return html.Div(
        [
            dmc.Text(
                [
                    *(
                        [dmc.Text(f"{meaning.output}: ", span=True, fw=600)]
                        if meaning.output
                        else []
                    ),
                    dmc.Code(meaning.metric),
                    f" is {meaning.words}.",
                ]
            ),
            dmc.Group(numbers, gap="xl", mt="sm"),
            dmc.Text(f"Last {meaning.split} epoch.", size="xs", c="dimmed", mt=6),
        ]
    )


def _number(label: str, value: float | None, what: str, *, strong: bool = False) -> html.Div:
    return html.Div(
        [
            dmc.Text(label, size="sm", c="dimmed"),
            dmc.Text(
                number(value, 3), className="lossmon-figure", c="teal" if strong else "inherit"
            ),
            dmc.Text(what, size="xs", c="dimmed"),
        ]
    )
