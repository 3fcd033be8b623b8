"""Runs as the rows of their list: what is shown, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossmon.analysis import accuracy_interval, loss_interval, misreading
from lossmon.records import SEVERITIES
from lossmon.store import as_text
from lossmon_dashboard.components.findings import finding_target
from lossmon_dashboard.components.grid import json_safe
from lossmon_dashboard.components.misread import misjudged_by
from lossmon_dashboard.components.run_columns import CONFIG
from lossmon_dashboard.theme import run_mark
from lossmon_dashboard.wording import number

Row = Mapping[str, Any]

_FIELDS = (
    *("id", "name", "status", "verified", "sparkline", "val_loss", "val_accuracy", "rules"),
    *("best_val_loss", "best_val_accuracy", "best_loss", "best_accuracy", "notes", "archived"),
    *("val_intended_accuracy", "accuracy_metric", "loss", "accuracy", "epochs", "started"),
    *("duration", "project", "tags"),
)
_ENDS = {
    "val_loss": ("last", "loss"),
    "best_val_loss": ("best_loss", "loss"),
    "val_accuracy": ("last", "accuracy"),
    "best_val_accuracy": ("best_accuracy", "accuracy"),
}


def run_grid_row(run: Row, settings: Sequence[str] = ()) -> dict[str, Any]:
    """A run as the list takes it: findings counted, intervals worked out, floats safe for JSON.

    Args:
        run: as `Store.run_page` gives it.
        settings: the columns `config.…` that are shown.
    """
    by_severity = {
        severity: [finding for finding in run["findings"] if finding["severity"] == severity]
        for severity in SEVERITIES
    }
    return {
        **{key: json_safe(run[key]) for key in _FIELDS},
        **{field: _value(run["config"].get(field.removeprefix(CONFIG))) for field in settings},
        "severities": {severity: len(found) for severity, found in by_severity.items()},
        "finding_words": {
            severity: ", ".join(f"{one['code']} {one['rule']}" for one in found)
            for severity, found in by_severity.items()
        },
        # Where each count leads to on the page of the run.
        "finding_targets": {
            severity: finding_target(min(found, key=lambda one: one["code"]))
            for severity, found in by_severity.items()
            if found
        },
        "flags": 1000 * len(by_severity["error"])
        + 10 * len(by_severity["warning"])
        + len(by_severity["info"]),
        "around": _around(run["ends"]),
        **_misread(run),
        "misjudged": misjudged_by(run["findings"]),
        "progress": _progress(run),
        "mark": list(run_mark(run["id"])),
    }


def _misread(run: Row) -> dict[str, str]:
    """Why its last accuracy, and its best one, do not mean what they say; empty where they do."""
    found, best = misreading(run["findings"]), run["ends"].get("best_accuracy")
    if found is None:
        return {"misread": "", "misread_best": ""}
    before = best is not None and best["epoch"] < found.since
    return {"misread": found.why, "misread_best": "" if before else found.why}


def _value(value: Any) -> Any:
    return json_safe(value) if isinstance(value, (str, bool, int, float)) else as_text(value)


def _around(ends: Mapping[str, Row]) -> dict[str, Any]:
    """The intervals of the values, and how they are read."""
    found: dict[str, Any] = {}
    for field, (end, measure) in _ENDS.items():
        row = ends.get(end)
        if row is None:
            continue
        span = loss_interval(row, ends["output"]) if measure == "loss" else accuracy_interval(row)
        words = f"epoch {row['epoch'] + 1}"
        if span is not None:
            low, high = (number(value, 3) for value in span)
            words += f"; 95 % interval {low} to {high}, of {row['n']:,} samples"
        found[field] = {"span": span, "words": words}
    return found


def _progress(run: Row) -> dict[str, Any]:
    """How far it came, and when it was last heard of."""
    planned, epochs = run["epochs_planned"], _epochs_done(run)
    done = f"{epochs} of {planned} epochs" if planned else f"{epochs} epochs"
    share = min(epochs / planned, 1.0) if planned else None
    return {"done": done, "share": share, "heard": run["heartbeat"]}


def _epochs_done(run: Row) -> int:
    """Those that were trained before its first record, by `initial_epoch`, are among them."""
    reached = run["epoch"]
    if reached is None:
        return run["epochs"]
    return max(run["epochs"], reached + (run["status"] == "finished"))
