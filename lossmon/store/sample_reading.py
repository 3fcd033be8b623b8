"""Validation samples one by one, as they were recorded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from lossmon.records import SampleRecord, SampleSet, Split
from lossmon.store.reading import of_run
from lossmon.store.sample_packing import unpack, unpack_set
from lossmon.store.schema import sample_sets, samples


def read_sample_epochs(
    connection: Connection, run_id: str, split: Split, output: str | None
) -> list[int]:
    """Return the epochs that have records, ascending."""
    query = select(samples.c.epoch).where(of_run(samples, run_id, split, output))
    return list(connection.execute(query.order_by(samples.c.epoch)).scalars())


def read_samples(
    connection: Connection,
    run_id: str,
    epochs: Sequence[int] | None,
    split: Split,
    output: str | None,
) -> list[SampleRecord]:
    """Return the records of some epochs, or of all, ascending; those of one set share it."""
    wanted = of_run(samples, run_id, split, output)
    if epochs is not None:
        wanted = and_(wanted, samples.c.epoch.in_(epochs))
    query = select(samples).where(wanted).order_by(samples.c.epoch)
    rows = connection.execute(query).mappings().all()
    named = {row["sample_set"] for row in rows} - {None}
    known = _sets(connection, run_id, named) if named else {}
    return [unpack({**row}, known.get(row["sample_set"])) for row in rows]


def _sets(connection: Connection, run_id: str, ids: set[str]) -> dict[str, SampleSet]:
    query = select(sample_sets).where(sample_sets.c.run_id == run_id, sample_sets.c.id.in_(ids))
    return {row["id"]: unpack_set({**row}) for row in connection.execute(query).mappings()}
