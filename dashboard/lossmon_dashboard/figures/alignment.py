"""What epochs of several runs are laid beside one another by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from lossmon.records import Split

Axis = Literal["epoch", "step", "time", "samples"]
Document = Mapping[str, Any]

_UNITS = ((3600.0, "hours"), (60.0, "minutes"))


class Aligned(NamedTuple):
    """The epochs of one run and split.

    Attributes:
        rows: of the whole model, ascending.
        places: where each is, of every axis: training seconds for "time".
    """

    rows: tuple[Mapping[str, Any], ...]
    places: Mapping[Axis, tuple[float, ...]]


def aligned(run: Document, split: Split) -> Aligned:
    """Where the epochs of a run are, on each axis.

    Args:
        run: a run document; where its first epochs are left out, with the training samples seen
            by then as `samples_before`.
        split: whose epochs.
    """
    whole = [row for row in run["epochs"] if row["output"] is None]
    rows = tuple(row for row in whole if row["split"] == split)
    seen = samples_seen(whole, run.get("samples_before", 0))
    return Aligned(
        rows,
        {
            "epoch": tuple(row["epoch"] + 1 for row in rows),
            "step": tuple(row["step"] + 1 for row in rows),
            "time": tuple(_trained(run, row.get("time")) for row in rows),
            "samples": tuple(seen.get(row["epoch"], 0) for row in rows),
        },
    )


def samples_seen(rows: Sequence[Mapping[str, Any]], before: float = 0) -> dict[int, float]:
    """How many training samples were seen by the end of each epoch.

    Args:
        rows: of the whole model, ascending.
        before: how many were before them.
    """
    total, seen = before, dict[int, float]()
    for row in rows:
        if row["split"] == "train":
            total += row.get("n") or 0
        seen[row["epoch"]] = total
    return seen


def _trained(run: Document, time: float | None) -> float:
    """Seconds of training by a time, without the pauses before it was resumed."""
    if time is None or "started" not in run:
        return 0.0
    before, began = 0.0, _unix(run["started"])
    for resume in run.get("resumes") or ():
        if _unix(resume["time"]) <= time:
            before, began = resume["seconds"], _unix(resume["time"])
    return before + max(time - began, 0.0)


def _unix(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def pointer_of(title: str) -> str:
    """What the pointer is told of a place, by the title of its axis."""
    digits = {"epoch": "epoch %{x:.2~f}", "step": "step %{x:,.0f}"}
    return digits.get(title, f"%{{x:,.4~g}} {title}")


def axis_unit(axis: Axis, last: float) -> tuple[float, str]:
    """By what places on an axis are divided, and what it is called then.

    Args:
        axis: the axis.
        last: the furthest place.
    """
    if axis == "time":
        size, unit = next(((s, u) for s, u in _UNITS if last > 2 * s), (1.0, "seconds"))
        return size, f"{unit} of training"
    titles = {"epoch": "epoch", "step": "step", "samples": "training samples seen"}
    return 1.0, titles[axis]
