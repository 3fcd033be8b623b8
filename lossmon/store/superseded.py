"""Records that arrive after their run was resumed: what came before that point belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Table, delete, select

from lossmon.errors import CannotResume, RunGone
from lossmon.records import BatchRecord
from lossmon.store import statements
from lossmon.store.edits import writing
from lossmon.store.liveness import present_status
from lossmon.store.parcel import Records, RunHeader
from lossmon.store.schema import epochs, runs, samples, summaries
from lossmon.store.selection import Series, of_series
from lossmon.store.summariser import summarise_series


def deliver_superseded(url: URL, header: RunHeader, records: Records) -> int:
    """Store what a training made before the step at which another one resumed its run.

    Returns:
        How many batches were left out, since the other training replaced them.

    Raises:
        RunGone: the run was deleted.
        CannotResume: it is being recorded, or was pruned: its summaries cannot be made anew.
    """
    run_id = header.run.id
    with writing(url) as connection:
        query = select(runs).where(runs.c.id == run_id).with_for_update()
        row = connection.execute(query).mappings().first()
        if row is None:
            raise RunGone(
                f"expected run {run_id}, to add to it. Received: no such run, it was deleted. "
                "Fix: delete its spool."
            )
        if present_status(row) == "running":
            raise CannotResume(
                f"expected a run that has ended. Received: {row['name']!r}, which was resumed and "
                "is being recorded. Fix: run `lossmon sync` after its end."
            )
        if row["pruned"] is not None:
            raise CannotResume(
                f"expected a run whose batches are there. Received: {row['name']!r}, of which "
                "summaries were kept instead. Fix: deliver it elsewhere with --to, or delete its "
                "spool."
            )
        valid = _valid(row, header, records)
        _add(connection, run_id, valid)
        _add_epochs(connection, row, header, records)
    return len(records.batches) - len(valid)


def _valid(row: Mapping[Any, Any], header: RunHeader, records: Records) -> list[BatchRecord]:
    step = min(resume["step"] for resume in row["resumes"][header.attempt :])
    return [batch for batch in records.batches if batch.step < step]


def _add(connection: Connection, run_id: str, valid: list[BatchRecord]) -> None:
    new = statements.not_stored(connection, run_id, valid) if valid else []
    if not new:
        return
    statements.insert_rows(connection, run_id, new)
    for series in {Series(run_id, batch.split, batch.output) for batch in new}:
        connection.execute(delete(summaries).where(of_series(series)))
        summarise_series(connection, series)
    added = sum(batch.split == "train" and batch.output is None for batch in new)
    statements.change_run(connection, run_id, batches=runs.c.batches + added)


def _add_epochs(
    connection: Connection, row: Mapping[Any, Any], header: RunHeader, records: Records
) -> None:
    first = min(resume["epoch"] for resume in row["resumes"][header.attempt :])
    run_id = row["id"]
    there = _epochs_of(connection, epochs, run_id)
    new = [e for e in records.epochs if e.epoch < first and e.epoch not in there]
    if new:
        statements.replace_epochs(connection, run_id, new)
        statements.change_run(connection, run_id)
    there = _epochs_of(connection, samples, run_id)
    seen = [s for s in records.samples if s.epoch < first and s.epoch not in there]
    statements.replace_samples(connection, run_id, seen)


def _epochs_of(connection: Connection, table: Table, run_id: str) -> set[int]:
    known = select(table.c.epoch).where(table.c.run_id == run_id)
    return set(connection.execute(known).scalars())
