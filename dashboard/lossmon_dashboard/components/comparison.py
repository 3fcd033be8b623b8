"""Tables that set several runs side by side, and what to mind when reading them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import dcc, html

from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.facts import flatten
from lossmon_dashboard.components.run_header import epochs_done
from lossmon_dashboard.links import run_link
from lossmon_dashboard.theme import DASHES, Scheme, run_styles
from lossmon_dashboard.wording import NOTHING, duration, listing, number, share

Document = Mapping[str, Any]


class _Column(NamedTuple):
    key: str
    title: str
    better: str
    """`low`, `high`, or empty where neither is better."""


_COLUMNS = (
    _Column("val_loss", "Val loss", "low"),
    _Column("val_accuracy", "Val accuracy", "high"),
    _Column("loss", "Train loss", ""),
    _Column("accuracy", "Train accuracy", ""),
)


def end_table(documents: Sequence[Document], scheme: Scheme) -> dmc.Table | dmc.Text:
    """The values that each run ended with."""
    if not documents:
        return dmc.Text("Choose the runs to compare above.", size="sm", c="dimmed")
    titles = ["Run", *(column.title for column in _COLUMNS), "Verified", "Epochs", "Duration"]
    styles = run_styles([document["id"] for document in documents], scheme)
    bests = {column.key: _best(documents, column) for column in _COLUMNS}
    return dmc.Table(
        [
            dmc.TableThead(dmc.TableTr([dmc.TableTh(title) for title in titles])),
            dmc.TableTbody(
                [
                    _end_row(document, bests, style)
                    for document, style in zip(documents, styles, strict=True)
                ]
            ),
        ],
        className="lossmon-facts lossmon-ends",
    )


def _best(documents: Sequence[Document], column: _Column) -> float | None:
    values = [
        document[column.key] for document in documents if document.get(column.key) is not None
    ]
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2 or not column.better or not comparable(documents, column.key):
        return None
    return min(finite) if column.better == "low" else max(finite)


def _end_row(
    document: Document, bests: Mapping[str, float | None], style: tuple[str, str]
) -> dmc.TableTr:
    colour, dash = style
    swatch = html.Span(
        className=f"lossmon-swatch lossmon-mark-line lossmon-dash-{DASHES.index(dash)}",
        style={"--lossmon-own": colour},
    )
    name = dcc.Link(document["name"], href=run_link(document["id"]), className="lossmon-link")
    cells = [_value(document.get(column.key), bests[column.key]) for column in _COLUMNS]
    rest = [
        share(document["verified"]),
        str(epochs_done(document["epochs"])),
        duration(document["duration"]),
    ]
    return dmc.TableTr([dmc.TableTd(part) for part in ([swatch, name], *cells, *rest)])


def _value(value: float | None, best: float | None) -> str | html.Strong:
    words = number(value)
    return html.Strong(words) if value is not None and value == best else words


def differences(documents: Sequence[Document], *, every: bool = False) -> dict[str, list[str]]:
    """The settings that are not the same in all runs, with the value of each run.

    Args:
        documents: the runs.
        every: whether the others are wanted as well.
    """
    settings = [
        flatten({key: document[key] for key in ("config", "model", "environment")})
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
    return dmc.Table(
        [
            dmc.TableThead(
                dmc.TableTr([dmc.TableTh("Setting"), *(dmc.TableTh(d["name"]) for d in documents)])
            ),
            dmc.TableTbody(
                [
                    dmc.TableTr(
                        [dmc.TableTd(name, className="lossmon-key"), *(map(dmc.TableTd, values))]
                    )
                    for name, values in table.items()
                ]
            ),
        ],
        className="lossmon-facts lossmon-differs",
        miw=140 + 160 * len(documents),
    )


def comparable(documents: Sequence[Document], measure: str) -> bool:
    """Whether the runs mean the same by a loss or an accuracy (`val_loss`, `accuracy`, …)."""
    key = "loss" if measure.endswith("loss") else "accuracy_metric"
    meanings = {
        tuple((output["name"], output[key]) for output in document["outputs"] if output[key])
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
        sentences.append(f"An error finding stands on {listing(faulty)}.")
    if not sentences:
        return None
    return callout("warning", "Mind this", dmc.Text(" ".join(sentences)))
