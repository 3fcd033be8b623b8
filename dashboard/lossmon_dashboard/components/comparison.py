"""The settings of several runs side by side, and what to mind when reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc

from lossmon.analysis import (
    accuracy_meaning,
    distinct_names,
    misjudged_sentences,
    setting_parts,
    validated_apart,
)
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.facts import flatten
from lossmon_dashboard.components.text_table import text_table
from lossmon_dashboard.wording import NOTHING, listing

Document = Mapping[str, Any]


def differences(documents: Sequence[Document], *, every: bool = False) -> dict[str, list[str]]:
    """The settings that are not the same in all runs, with the value of each run.

    Args:
        documents: the runs.
        every: whether the others are wanted as well.
    """
    settings = [
        flatten(setting_parts(document) | {"environment": document["environment"]})
        | _judged_by(document)
        for document in documents
    ]
    names = dict.fromkeys(name for flat in settings for name in flat)
    table = {name: [flat.get(name, NOTHING) for flat in settings] for name in names}
    return {name: values for name, values in table.items() if every or len(set(values)) > 1}


def _judged_by(document: Document) -> dict[str, str]:
    return {
        f"{prefix}{key.replace('_', ' ')}": str(output[key])
        for output in document["outputs"]
        for prefix in [f"{output['name']}: " if output["name"] else ""]
        for key in ("loss", "accuracy_metric", "activation")
        if output.get(key) is not None
    }


def difference_table(documents: Sequence[Document], *, every: bool = False) -> dmc.Table | dmc.Text:
    """The differing settings as a table, one column a run.

    Args:
        documents: the runs.
        every: whether settings that are the same in all runs are shown too.
    """
    table = differences(documents, every=every and len(documents) > 1)
    if not table:
        words = "Nothing: they were set up alike." if len(documents) > 1 else "Needs two runs."
        return dmc.Text(words, size="sm", c="dimmed")
    titles = ["Setting", *(document["name"] for document in documents)]
    rows = [[name, *values] for name, values in table.items()]
    wide = 140 + 160 * len(documents)
    return text_table(titles, rows, className="lossmon-facts lossmon-differs", miw=wide)


def comparable(documents: Sequence[Document], measure: str) -> bool:
    """Whether the runs mean the same by a loss or an accuracy (`val_loss`, `accuracy`, …).

    Of a misread accuracy, the one that was meant counts; what was validated on samples that are not
    the same is not alike.
    """
    if measure.startswith("val_") and validated_apart(documents):
        return False

    def meaning(output: Mapping[str, Any]) -> str | None:
        return output["loss"] if measure.endswith("loss") else accuracy_meaning(output)

    meanings = {
        tuple(
            (output["name"], meaning(output)) for output in document["outputs"] if meaning(output)
        )
        for document in documents
    }
    return len(meanings - {()}) < 2


def caution(documents: Sequence[Document]) -> dmc.Paper | None:
    """What must not be compared, said before it is."""
    parts = [
        words
        for measure, words in (("loss", "loss"), ("accuracy", "accuracy"))
        if not comparable(documents, measure)
    ]
    faulty = [
        document["name"]
        for document in documents
        if any(finding["severity"] == "error" for finding in document["findings"])
    ]
    sentences: list[str] = []
    if parts:
        sentences.append(
            f"These runs do not mean the same by {listing(parts)}: the values cannot be compared."
        )
    if faulty:
        sentences.append(
            f"An error was found in {listing(faulty)}: numbers there do not mean what they say."
        )
    sentences += misjudged_sentences(documents, distinct_names(documents))
    if not sentences:
        return None
    return callout("warning", "Mind this", dmc.Text(" ".join(sentences)))
