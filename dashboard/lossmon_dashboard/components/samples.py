"""Validation samples one by one, and what became of them between two epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc

from lossmon.analysis import (
    TurnedSamples,
    largest_losses,
    same_samples,
    sample_row,
    turned_samples,
)
from lossmon.errors import InvalidArgument
from lossmon.records import SampleRecord
from lossmon_dashboard.components.grid import (
    Column,
    grid,
    json_safe,
    number_column,
    text_column,
)

MOST = 100
KINDS: Mapping[str, str] = {
    "worst": "Worst",
    "turned_wrong": "Turned wrong",
    "turned_right": "Turned right",
    "stayed_wrong": "Wrong in both",
}
_TURNS = {
    "stayed_right": "right in both",
    "stayed_wrong": "wrong in both",
    "turned_wrong": "turned wrong",
    "turned_right": "turned right",
}


def sample_grid(identity: str, record: SampleRecord | None) -> dag.AgGrid:
    """The empty table of samples, to be filled by a callback.

    Args:
        identity: the id of the component.
        record: as for `sample_columns`.
    """
    # Screen readers want every heading to be there, also those that are out of sight.
    options = {"suppressColumnVirtualisation": True}
    columns = sample_columns(record)
    return grid(identity, columns, style={"height": 360}, dashGridOptions=options)


def sample_columns(record: SampleRecord | None) -> list[Column]:
    """The columns of the table: what is known of the samples.

    Args:
        record: some of those that are shown; None where none are known.
    """
    columns = [
        number_column("position", "Number", 104),
        number_column("label", "True class", 118),
        number_column("predicted", "Predicted", 116),
        text_column("became", "Right?", 150),
        number_column("confidence", "Sure", 100, "formatShare"),
        number_column("loss", "Loss", 110),
        number_column("rise", "Change of loss", 150),
    ]
    unknown = set[str]() if record is None else _unknown(record)
    shown = [column for column in columns if column["field"] not in unknown]
    return [column | {"flex": 1, "minWidth": column["width"]} for column in shown]


def _unknown(record: SampleRecord) -> set[str]:
    known = {
        "label": has_classes(record),
        "predicted": record.predicted is not None,
        "became": is_judged(record),
        "confidence": record.confidence is not None,
    }
    return {field for field, there in known.items() if not there}


def is_judged(record: SampleRecord) -> bool:
    """Whether its samples are told right from wrong, as those of a regression are not."""
    return record.correct is not None


def has_classes(record: SampleRecord) -> bool:
    """Whether each of its samples is known to be of a class."""
    return record.samples is not None and record.samples.labels is not None


def sample_rows(before: SampleRecord, after: SampleRecord, kind: str) -> list[dict[str, Any]]:
    """At most `MOST` samples of a kind, the worst first, as the table takes them.

    Args:
        before: the earlier epoch; may be the same as the later one.
        after: the later one.
        kind: one of `KINDS`; of what is neither right nor wrong all are "worst".
    """
    if kind == "worst" or not is_judged(after):
        places = largest_losses(after, MOST).tolist()
    else:
        turned = _turned(before, after)
        places = [] if turned is None else getattr(turned, kind)[:MOST].tolist()
    comparable = same_samples(before, after)
    return [_row(before, after, place, comparable=comparable) for place in places]


def _row(
    before: SampleRecord, after: SampleRecord, place: int, *, comparable: bool
) -> dict[str, Any]:
    row = sample_row(after, place)
    was = sample_row(before, place) if comparable and before is not after else None
    return {
        **{name: json_safe(row[name]) for name in ("position", "label", "predicted", "confidence")},
        "became": _became(None if was is None else was["correct"], row["correct"]),
        "loss": json_safe(row["loss"]),
        "rise": None if was is None else json_safe(row["loss"] - was["loss"]),
    }


def _became(was: bool | None, now: bool | None) -> str:
    words = {True: "right", False: "wrong", None: ""}
    return words[now] if was is None or was == now else f"{words[was]} → {words[now]}"


def turned_table(before: SampleRecord, after: SampleRecord) -> dmc.Table | None:
    """How many samples turned, and what they add to the change of the mean loss."""
    turned = None if before is after else _turned(before, after)
    if turned is None:
        return None
    heads = ("what became of them", "samples", "of larger loss", "added to the mean loss")
    changes = turned.turns._asdict()
    rows = [
        (title, f"{change.samples:,}", f"{change.worse:,}", f"{change.loss:+.4g}")
        for name, title in _TURNS.items()
        for change in [changes[name]]
    ]
    return dmc.Table(
        [
            dmc.TableThead(dmc.TableTr([dmc.TableTh(head) for head in heads])),
            dmc.TableTbody([dmc.TableTr([dmc.TableTd(cell) for cell in row]) for row in rows]),
        ],
        className="lossmon-ends",
        mt="xs",
    )


def _turned(before: SampleRecord, after: SampleRecord) -> TurnedSamples | None:
    try:
        return turned_samples(before, after)
    except InvalidArgument:
        return None
