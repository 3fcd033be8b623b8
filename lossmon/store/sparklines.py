"""The small curve beside each run in a list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    exists,
    literal,
    or_,
    select,
    true,
)

from lossmon.store.columns import output_key
from lossmon.store.nonfinite import restore_kinds
from lossmon.store.reading import best_known, is_run, last_epochs
from lossmon.store.schema import batches, epochs, runs

SPARKLINE_POINTS = 60


def read_sparklines(connection: Connection, run_id: str | None) -> dict[str, dict[str, list[Any]]]:
    """Return the course of the loss of each run in at most 60 values a split.

    Args:
        connection: to read by.
        run_id: this run alone; None for all.

    Returns:
        By run: "loss" and "val_loss", by epoch; "loss" by batch before the second epoch.
    """
    lines: dict[str, dict[str, list[Any]]] = {}
    queries = [_epoch_points(run_id)]
    if connection.execute(_early(run_id).limit(1)).first():
        queries.insert(0, _first_epoch_points(run_id))
    for query in queries:
        # Plain tuples: this is where a list of many runs spends its time.
        for run, split, loss, recomputed, kinds in connection.execute(query):
            if split is None:
                continue
            line = lines.get(run)
            if line is None:
                line = lines[run] = {"loss": [], "val_loss": []}
            known = {"loss": loss, "recomputed_loss": recomputed}
            if kinds is not None:
                known |= restore_kinds(kinds)
            line["loss" if split == "train" else "val_loss"].append(best_known(known, "loss"))
    return lines


def _epoch_points(run_id: str | None) -> Select[*tuple[Any, ...]]:
    last = last_epochs(run_id)
    same = and_(last.c.run_id == epochs.c.run_id, last.c.split == epochs.c.split)
    stride = last.c.last // (SPARKLINE_POINTS - 1) + 1
    shown = or_(epochs.c.epoch % stride == 0, epochs.c.epoch == last.c.last)
    query = select(epochs.c.run_id.label("run"), *_points(epochs)).join(last, same)
    several = or_(last.c.last > 0, epochs.c.split == "val")
    return query.where(epochs.c.output.is_(None), shown, several).order_by(epochs.c.epoch)


def _early(run_id: str | None) -> Select[*tuple[Any, ...]]:
    """Runs before their second epoch, which have no line of epochs."""
    settled = exists().where(epochs.c.run_id == runs.c.id, epochs.c.epoch > 0)
    return select(runs.c.id, runs.c.step).where(is_run(runs.c.id, run_id), ~settled)


def _first_epoch_points(run_id: str | None) -> Select[*tuple[Any, ...]]:
    # Some of the train batches make a line.
    early = _early(run_id).subquery()
    first = select(literal(0).label("number")).cte("points", recursive=True)
    following = select(first.c.number + 1).where(first.c.number < SPARKLINE_POINTS - 1)
    point = first.union_all(following)
    step = point.c.number * (early.c.step // (SPARKLINE_POINTS - 1) + 1)
    wanted = select(early.c.id.label("run"), step.label("step")).join_from(early, point, true())
    at = wanted.subquery()
    train = and_(batches.c.split == "train", output_key(batches) == "")
    same = and_(batches.c.run_id == at.c.run, batches.c.step == at.c.step, train)
    # An outer join, for SQLite then looks the few steps up instead of reading every batch.
    return select(at.c.run, *_points(batches)).outerjoin_from(at, batches, same).order_by(at.c.step)


def _points(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in ("split", "loss", "recomputed_loss", "nonfinite_kinds")]
