"""The last and the best epoch of runs, with what their intervals are worked out from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from lossmon.store.columns import output_key
from lossmon.store.reading import among, restored
from lossmon.store.schema import epochs, outputs

_COLUMNS = (
    *("epoch", "split", "output", "step", "n", "weight", "coverage", "loss", "recomputed_loss"),
    *("accuracy", "recomputed_accuracy", "loss_squares", "correct", "judged"),
)
_VAL = and_(epochs.c.split == "val", output_key(epochs) == "")
_LOSS = func.coalesce(epochs.c.recomputed_loss, epochs.c.loss)
_ACCURACY = func.coalesce(epochs.c.recomputed_accuracy, epochs.c.accuracy)


def read_ends(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return some validation epochs of each run whose model has one output.

    Args:
        connection: to read by.
        run_ids: the runs.

    Returns:
        By run: "output" (its name, loss, reduction and shape), and the epoch rows "last",
        "best_loss" and "best_accuracy", the first of equals, as far as there are such.
    """
    single = _single_outputs(connection, run_ids)
    ends: dict[str, dict[str, Any]] = {run: {"output": output} for run, output in single.items()}
    if not ends:
        return ends
    best = {
        "last": (func.max(epochs.c.epoch), epochs.c.epoch),
        "best_loss": (func.min(_LOSS), _LOSS),
        "best_accuracy": (func.max(_ACCURACY), _ACCURACY),
    }
    for name, (extreme, value) in best.items():
        for run, row in _rows(connection, list(ends), extreme, value):
            ends[run][name] = row
    return ends


class RememberedEnds:
    """The ends that were read before: only those of runs that have changed since are read again.

    **Thread safety**: threads may share one.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}

    def read(
        self, connection: Connection, revisions: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Return the ends of runs, given the present `revision` of each."""
        known = self._known
        stale = [run for run, at in revisions.items() if run not in known or known[run][0] != at]
        fresh = read_ends(connection, stale)
        news = {run: (revisions[run], fresh.get(run, {})) for run in stale}
        self._known = known = known | news
        return {run: known[run][1] for run in revisions}


def _rows(
    connection: Connection,
    run_ids: Sequence[str],
    extreme: ColumnElement[Any],
    value: ColumnElement[Any],
) -> list[tuple[str, dict[str, Any]]]:
    of_runs = and_(_VAL, among(epochs.c.run_id, run_ids))
    wanted = select(epochs.c.run_id, extreme.label("at")).where(of_runs)
    known = wanted.group_by(epochs.c.run_id).subquery()
    # A plateau has many epochs of the best value.
    first = (
        select(epochs.c.run_id, func.min(epochs.c.epoch).label("epoch"))
        .join(known, and_(known.c.run_id == epochs.c.run_id, known.c.at == value))
        .where(_VAL)
        .group_by(epochs.c.run_id)
        .subquery()
    )
    names = ("run_id", *_COLUMNS, "nonfinite_kinds")
    query = select(*(epochs.c[name] for name in names)).join(
        first, and_(first.c.run_id == epochs.c.run_id, first.c.epoch == epochs.c.epoch)
    )
    rows = connection.execute(query.where(_VAL)).mappings().all()
    return [(row["run_id"], restored(row)) for row in rows]


def _single_outputs(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    names = ("run_id", "name", "loss", "reduction", "shape")
    query = select(*(outputs.c[name] for name in names)).where(among(outputs.c.run_id, run_ids))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["run_id"], []).append(dict(row))
    return {run: rows[0] for run, rows in found.items() if len(rows) == 1}
