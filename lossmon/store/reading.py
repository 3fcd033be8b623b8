"""From rows back to values: non-finite floats, JSON and times restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import EllipsisType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    case,
    false,
    func,
    or_,
    select,
)

from lossmon.records import SEVERITIES, Split
from lossmon.store.columns import output_key
from lossmon.store.nonfinite import restore_kinds, storable_text
from lossmon.store.schema import epochs, findings, outputs

FINDING_KEYS = ("code", "rule", "severity", "output", "message", "fix", "evidence")


def restored(row: RowMapping) -> dict[str, Any]:
    """Return a batch or epoch row with its non-finite floats in place.

    `run_id` and `nonfinite_kinds` are left out.
    """
    values = {key: value for key, value in row.items() if key not in {"run_id", "nonfinite_kinds"}}
    kinds = restore_kinds(row["nonfinite_kinds"])
    return values | {key: value for key, value in kinds.items() if key in values}


def iso_time(seconds: float | None) -> str | None:
    """Write Unix seconds as ISO 8601 in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def of_run(
    table: Table, run_id: str, split: Split | None, output: str | EllipsisType | None = ...
) -> ColumnElement[bool]:
    """Return the condition for the rows of a run; None is every split, `...` every output."""
    conditions = [table.c.run_id == run_id]
    if split is not None:
        conditions.append(table.c.split == split)
    if not isinstance(output, EllipsisType):
        conditions.append(output_key(table) == storable_text(output or ""))
    return and_(*conditions)


def among(column: ColumnElement[str], run_ids: Sequence[str] | None) -> ColumnElement[bool]:
    """Return the condition for some runs; for any where `run_ids` is None."""
    return column.is_not(None) if run_ids is None else column.in_(run_ids)


def best_known(row: Mapping[str, Any], value: str) -> float | None:
    """Return a row's "loss" or "accuracy": recomputed, or Keras' own where that is not known."""
    recomputed = row[f"recomputed_{value}"]
    return row[value] if recomputed is None else recomputed


def read_epochs(
    connection: Connection,
    run_id: str,
    split: Split | None = None,
    output: str | EllipsisType | None = ...,
    *,
    columns: Sequence[str] | None = None,
    step_range: tuple[int, int] | None = None,
) -> list[dict[str, Any]]:
    """Return epoch rows by epoch, train before val, the whole model before its outputs."""
    names = epochs.c.keys() if columns is None else (*columns, "nonfinite_kinds")
    wanted = of_run(epochs, run_id, split, output)
    query = select(*(epochs.c[name] for name in names)).where(wanted)
    if step_range is not None:
        first, last = step_range
        before = select(func.max(epochs.c.step)).where(wanted, epochs.c.step < first)
        after = select(func.min(epochs.c.step)).where(wanted, epochs.c.step > last)
        query = query.where(
            epochs.c.step >= func.coalesce(before.scalar_subquery(), first),
            epochs.c.step <= func.coalesce(after.scalar_subquery(), last),
        )
    ordered = query.order_by(epochs.c.epoch, epochs.c.split, epochs.c.output.nulls_first())
    return [_epoch(dict(zip(names, row, strict=True))) for row in connection.execute(ordered)]


def read_late_epochs(
    connection: Connection, since: Mapping[str, int], columns: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the epochs of several runs, of each from one on, in the order of `read_epochs`."""
    names = ("run_id", *columns, "nonfinite_kinds")
    wanted = (
        and_(epochs.c.run_id == run_id, epochs.c.epoch >= first) for run_id, first in since.items()
    )
    query = select(*(epochs.c[name] for name in names)).where(or_(false(), *wanted))
    ordered = query.order_by(epochs.c.epoch, epochs.c.split, epochs.c.output.nulls_first())
    found: dict[str, list[dict[str, Any]]] = {run_id: [] for run_id in since}
    for row in connection.execute(ordered):
        found[row[0]].append(_epoch(dict(zip(names, row, strict=True))))
    return found


def _epoch(row: dict[str, Any]) -> dict[str, Any]:
    """The same as `restored`, for rows of which there are many."""
    row.pop("run_id", None)
    kinds = row.pop("nonfinite_kinds")
    if kinds is not None:
        row.update((key, value) for key, value in restore_kinds(kinds).items() if key in row)
    return row


def read_outputs(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """Return the outputs of a run in the model's order."""
    query = select(outputs).where(outputs.c.run_id == run_id).order_by(outputs.c.position)
    return [_output(row) for row in connection.execute(query).mappings()]


def _output(row: RowMapping) -> dict[str, Any]:
    values = {key: value for key, value in row.items() if key not in {"run_id", "position"}}
    return values | {"loss_custom": bool(row["loss_custom"])}


def read_findings(
    connection: Connection, run_ids: Sequence[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return findings by run, the gravest first; of some runs, or of all where that is None."""
    gravity = case({name: rank for rank, name in enumerate(SEVERITIES)}, value=findings.c.severity)
    query = select(findings).order_by(gravity, findings.c.code, findings.c.output.nulls_first())
    found: dict[str, list[dict[str, Any]]] = {}
    known = connection.execute(query.where(among(findings.c.run_id, run_ids))).mappings()
    for row in known:
        found.setdefault(row["run_id"], []).append(_finding(row))
    return found


def _finding(row: RowMapping) -> dict[str, Any]:
    seen = {"epoch": row["epoch"], "step": row["step"], "time": iso_time(row["time"])}
    return {key: row[key] for key in FINDING_KEYS} | seen
