"""What the writer says to the database, each within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from lossmon.records import BatchRecord, EpochRecord, Finding, OutputRecord, SampleRecord
from lossmon.store.bulk import insert_columns
from lossmon.store.nonfinite import storable_text
from lossmon.store.prepared import Prepared
from lossmon.store.rows import (
    Columns,
    RowMaker,
    batch_rows,
    epoch_rows,
    finding_row,
    output_row,
)
from lossmon.store.sample_packing import PackedSet, pack
from lossmon.store.schema import (
    batches,
    changes,
    epochs,
    findings,
    outputs,
    runs,
    sample_sets,
    samples,
)
from lossmon.store.selection import Series, last_place
from lossmon.store.summariser import Summariser

Position = tuple[int, int]


def insert_batches(
    connection: Connection, run_id: str, records: Sequence[BatchRecord], summariser: Summariser
) -> Summariser:
    """Add rows, and the summaries that they complete.

    Returns:
        The summariser for those that follow, once this is committed.
    """
    if not records:
        return summariser
    columns = batch_rows.columns(records)
    summariser = summariser.resumed(connection, columns)
    _insert(connection, batch_rows, run_id, columns)
    return summariser.add(connection, columns)


def insert_rows(connection: Connection, run_id: str, records: Sequence[BatchRecord]) -> None:
    """Add rows without their summaries."""
    _insert(connection, batch_rows, run_id, batch_rows.columns(records))


def not_stored(
    connection: Connection, run_id: str, records: Sequence[BatchRecord]
) -> list[BatchRecord]:
    """Return those of some batches, one at least, that are not in the database, each once."""
    steps = [record.step for record in records]
    columns = (batches.c[name] for name in ("split", "output", "step", "epoch", "batch"))
    near = batches.c.step.between(min(steps), max(steps))
    stored = connection.execute(select(*columns).where(batches.c.run_id == run_id, near))
    seen: set[tuple[Any, ...]] = {tuple(row) for row in stored}
    fresh: list[BatchRecord] = []
    for record in records:
        key = (record.split, record.output, record.step, record.epoch, record.batch)
        if key not in seen:
            fresh.append(record)
            seen.add(key)
    return fresh


def not_pruned(
    connection: Connection, run_id: str, records: Sequence[BatchRecord]
) -> list[BatchRecord]:
    """Return those of some batches that are not among those which a pruned run had before."""
    pruned = select(runs.c.pruned).where(runs.c.id == run_id)
    if connection.execute(pruned).scalar() is None:
        return list(records)
    of = [Series(run_id, record.split, record.output) for record in records]
    ends = {series: last_place(connection, series) for series in set(of)}
    return [
        record
        for record, series in zip(records, of, strict=True)
        if (record.step, record.epoch, record.batch) > ends[series]
    ]


def _insert(connection: Connection, maker: RowMaker, run_id: str, columns: Columns) -> None:
    insert_columns(connection, maker.table, maker.names, maker.stored(run_id, columns))


def replace_epochs(connection: Connection, run_id: str, records: Sequence[EpochRecord]) -> None:
    """Add rows in place of those of the same epoch, split and output."""
    if not records:
        return
    for record in records:
        _FORGET_EPOCH.execute(
            connection,
            of_run=run_id,
            at_epoch=record.epoch,
            at_split=record.split,
            at_output=None if record.output is None else storable_text(record.output),
        )
    _insert(connection, epoch_rows, run_id, epoch_rows.columns(records))


def replace_samples(connection: Connection, run_id: str, records: Sequence[SampleRecord]) -> None:
    """Add validation samples in place of those of the same epoch and output, and their sets."""
    for record in records:
        row = pack(record)._asdict()
        sample_set = row.pop("sample_set")
        place = {key: _clean(row[key]) for key in ("split", "output", "epoch")}
        row |= place | {"run_id": run_id, "sample_set": sample_set and sample_set.id}
        _add_set(connection, run_id, sample_set)
        same = (samples.c[key].is_not_distinct_from(value) for key, value in place.items())
        connection.execute(delete(samples).where(samples.c.run_id == run_id, *same))
        connection.execute(insert(samples).values(row))


def _add_set(connection: Connection, run_id: str, sample_set: PackedSet | None) -> None:
    if sample_set is None:
        return
    known = select(sample_sets.c.n).where(
        sample_sets.c.run_id == run_id, sample_sets.c.id == sample_set.id
    )
    if connection.execute(known).first() is None:
        row = {key: _clean(value) for key, value in sample_set._asdict().items()}
        connection.execute(insert(sample_sets).values(row | {"run_id": run_id}))


def _clean(value: Any) -> Any:
    return storable_text(value) if isinstance(value, str) else value


def replace_outputs(connection: Connection, run_id: str, records: Sequence[OutputRecord]) -> None:
    """Describe all outputs of the run anew."""
    connection.execute(delete(outputs).where(outputs.c.run_id == run_id))
    if records:
        rows = [output_row(run_id, position, record) for position, record in enumerate(records)]
        connection.execute(insert(outputs), rows)


def report_finding(
    connection: Connection, run_id: str, finding: Finding, position: Position | None, seen: float
) -> None:
    """Add a finding, or renew the one that the same rule made of the same output."""
    row = finding_row(finding)
    renewed = connection.execute(update(findings).where(*_same(run_id, finding)).values(row))
    if renewed.rowcount == 0:
        # What is found at the end comes without batches: it was seen where the run had come to.
        reached = select(runs.c.epoch, runs.c.step).where(runs.c.id == run_id)
        epoch, step = position or tuple(connection.execute(reached).one())
        first_seen = {"run_id": run_id, "epoch": epoch, "step": step, "time": seen}
        connection.execute(insert(findings).values(row | first_seen))


def withdraw_finding(connection: Connection, run_id: str, finding: Finding) -> None:
    """Remove what this rule found of this output."""
    connection.execute(delete(findings).where(*_same(run_id, finding)))


def _same(run_id: str, finding: Finding) -> Iterable[ColumnElement[bool]]:
    row = finding_row(finding)
    return (
        findings.c.run_id == run_id,
        findings.c.code == row["code"],
        findings.c.output.is_not_distinct_from(row["output"]),
    )


_FORGET_EPOCH = Prepared(
    delete(epochs).where(
        epochs.c.run_id == bindparam("of_run"),
        epochs.c.epoch == bindparam("at_epoch"),
        epochs.c.split == bindparam("at_split"),
        epochs.c.output.is_not_distinct_from(bindparam("at_output")),
    )
)
_COUNT = Prepared(update(changes).values(counter=changes.c.counter + 1))
_TELL = Prepared(update(changes).values(counter=changes.c.counter + 1, news=changes.c.news + 1))
_REVISION = select(changes.c.counter).scalar_subquery()
_NEWS = select(changes.c.news).scalar_subquery()
_OF_RUN = runs.c.id == bindparam("of_run")
_OF_ATTEMPT = runs.c.attempt == bindparam("of_attempt")
_BEAT = Prepared(update(runs).where(_OF_RUN, _OF_ATTEMPT).values(heartbeat=bindparam("now")))
_ADVANCED = {
    "heartbeat": bindparam("now"),
    "revision": _REVISION,
    "batches": runs.c.batches + bindparam("new"),
    "epoch": bindparam("at_epoch"),
    "step": bindparam("at_step"),
}
_ADVANCE = Prepared(update(runs).where(_OF_RUN, _OF_ATTEMPT).values(_ADVANCED))
_ADVANCE_WITH_NEWS = Prepared(
    update(runs).where(_OF_RUN, _OF_ATTEMPT).values({**_ADVANCED, "news": _NEWS})
)


class Alive(NamedTuple):
    """Which run is recorded by which attempt, and when that was known to live, Unix seconds."""

    run_id: str
    attempt: int
    now: float


def beat(connection: Connection, alive: Alive) -> bool:
    """Store that the run is alive; tells whether there is such a run, not resumed since."""
    run_id, attempt, now = alive
    return _BEAT.execute(connection, of_run=run_id, of_attempt=attempt, now=now) > 0


def advance_run(
    connection: Connection, alive: Alive, new: int, position: Position, *, news: bool
) -> bool:
    """Store that a run is alive, has so many new batches and where it is, and mark it as changed.

    Last in a transaction, as `change_run`.

    Args:
        connection: to write by.
        alive: the run.
        new: so many train batches.
        position: the epoch and step it has reached.
        news: whether more is new than batches; who follows the run reads these alone where not.

    Returns:
        Whether there is such a run, not resumed since.
    """
    (_TELL if news else _COUNT).execute(connection)
    run_id, attempt, now = alive
    epoch, step = position
    place = {"of_run": run_id, "of_attempt": attempt, "at_epoch": epoch, "at_step": step}
    advance = _ADVANCE_WITH_NEWS if news else _ADVANCE
    return advance.execute(connection, **place, new=new, now=now) > 0


def renew_run(connection: Connection, alive: Alive, **values: Any) -> bool:
    """Store that a run is alive, set columns of it, and mark it as changed beyond its batches.

    Last in a transaction, as `change_run`.

    Args:
        connection: to write by.
        alive: the run.
        values: by column.

    Returns:
        Whether there is such a run, not resumed since.
    """
    meant = runs.c.id == alive.run_id, runs.c.attempt == alive.attempt
    return _change(connection, meant, {"heartbeat": alive.now, **values})


def change_run(connection: Connection, run_id: str, **values: Any) -> None:
    """Set columns of a run and mark it as changed in more than its batches.

    Last in a transaction: PostgreSQL holds every other writer at the counter from here to commit.
    It holds them at the row of the run too: who locks both takes the counter first, or two of them
    wait for each other.
    """
    _change(connection, [runs.c.id == run_id], values)


def _change(
    connection: Connection, meant: Iterable[ColumnElement[bool]], values: Mapping[str, Any]
) -> bool:
    tell_news(connection)
    marks = {"revision": _REVISION, "news": _NEWS}
    return connection.execute(update(runs).where(*meant).values({**marks, **values})).rowcount > 0


def tell_news(connection: Connection) -> None:
    """Mark the whole record as changed in more than the batches of a run."""
    _TELL.execute(connection)
