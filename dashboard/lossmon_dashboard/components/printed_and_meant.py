"""Why the numbers that `fit` printed differ from what a reader may expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.prose import with_code
from lossmon_dashboard.wording import number

Row = Mapping[str, Any]

_SPLITS = {"train": "Training", "val": "Validation"}
_HINT = "To see what `evaluate` says of the training set: `Monitor(audit_train=True)`"


def printed_and_meant(epochs: Sequence[Row]) -> dmc.SimpleGrid | dmc.Text:
    """The last epoch in words: each split and output, with the audited values where there are any.

    Args:
        epochs: the epochs of a run, all splits and outputs.
    """
    known = [row for row in epochs if row["reconciliation"] is not None]
    if not known:
        return dmc.Text("Nothing is known of this yet: it takes a whole epoch.", size="sm")
    last = max(row["epoch"] for row in known)
    rows = [row for row in known if row["epoch"] == last]
    ordered = sorted(rows, key=lambda row: (row["output"] or "", row["split"]))
    return dmc.SimpleGrid([_one(row) for row in ordered], cols={"base": 1, "md": 2}, spacing="xl")


def _one(row: Row) -> html.Div:
    output = [] if row["output"] is None else [" of ", dmc.Code(row["output"])]
    sentences = [dmc.ListItem(with_code(sentence)) for sentence in row["reconciliation"]]
    return html.Div(
        [
            dmc.Text([_SPLITS[row["split"]], *output, f", epoch {row['epoch'] + 1}"], fw=600),
            *_meant(row),
            *_audited(row),
            dmc.List(sentences, mt="xs", spacing=4, size="sm")
            if sentences
            else dmc.Text("The printed numbers are what they seem to be.", size="sm", mt="xs"),
        ]
    )


def _meant(row: Row) -> list[Any]:
    """The printed values beside the accuracy that was meant and what a constant would reach."""
    best = row.get("baselines") or {}
    meant = row.get("intended_accuracy")
    numbers = {
        "printed accuracy": None if meant is None else row["reported_accuracy"],
        "meant accuracy": meant,
        "all labels right": row.get("intended_exact_match"),
        "a constant's accuracy": best.get("majority_accuracy"),
        "a constant's loss": best.get("constant_loss"),
    }
    shown = [_number(label, value) for label, value in numbers.items() if value is not None]
    return [dmc.Group(shown, gap="xl", mt="xs")] if shown else []


def _audited(row: Row) -> list[Any]:
    if row["split"] != "train":
        return []
    pairs = {
        "loss": (row["reported_loss"], row["audited_loss"]),
        "accuracy": (row["reported_accuracy"], row["audited_accuracy"]),
    }
    numbers = [
        _number(f"{says} says, {name}", value)
        for name, both in pairs.items()
        if both[1] is not None
        for says, value in zip(("fit", "evaluate"), both, strict=True)
    ]
    if not numbers:
        # Said once, not for each output.
        return [] if row["output"] else [dmc.Text(with_code(_HINT), size="sm", c="dimmed", mt=4)]
    return [dmc.Group(numbers, gap="xl", mt="xs")]


def _number(label: str, value: float | None) -> html.Div:
    return html.Div(
        [
            dmc.Text(label, size="sm", c="dimmed"),
            dmc.Text(number(value), className="lossmon-figure"),
        ]
    )
