"""Deliver what trainings that have ended left in their spools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from lossmon.errors import LossmonError, RunGone
from lossmon.store.engine import VARIABLE, plain_url
from lossmon.store.parcel import RunHeader
from lossmon.store.spool import (
    SUFFIX,
    Spool,
    SpoolError,
    SpoolInUse,
    spool_folder,
)
from lossmon.store.superseded import deliver_superseded
from lossmon.store.writer import RunWriter


@dataclass(slots=True)
class Synced:
    """What became of one spool.

    Attributes:
        path: the file.
        run_id: the run; None where the file cannot be read.
        name: its name.
        database: where it goes, without a password.
        batches: batch records that were delivered.
        epochs: epoch records that were delivered.
        superseded: batch records that were left out, since the run was resumed before them.
        problem: why something still waits in it; None where all was delivered.
    """

    path: Path
    run_id: str | None = None
    name: str | None = None
    database: str | None = None
    batches: int = 0
    epochs: int = 0
    superseded: int = 0
    problem: str | None = None


def sync(
    db: str | os.PathLike[str] | None = None,
    *,
    to: str | os.PathLike[str] | None = None,
    run: str | None = None,
) -> list[Synced]:
    """Deliver the records that wait on this machine, each to the database it was meant for.

    Each record is stored once, however often this is done and wherever it is broken off. Spools of
    trainings that still run are left to them.

    Args:
        db: only what was meant for this database, given with its password where it needs one.
        to: deliver it there instead.
        run: only this run, by its name, its id or the beginning of that.

    Returns:
        What became of each spool.
    """
    return list(_sync(db, to, run))


def _sync(
    db: str | os.PathLike[str] | None, to: str | os.PathLike[str] | None, run: str | None
) -> Iterator[Synced]:
    wanted = None if db is None else os.fspath(db)
    # One whose own database is to be used must be able to know its password.
    known = [given for given in (wanted, os.environ.get(VARIABLE)) if given]
    for path in sorted(spool_folder().glob(f"*{SUFFIX}")):
        synced = Synced(path)
        try:
            spool = Spool(path)
        except SpoolInUse:
            synced.problem = "a training that runs, or another sync, is using it"
        except SpoolError as error:
            synced.problem = str(error)
        else:
            header = spool.header
            synced.run_id, synced.name = header.run.id, header.run.name
            synced.database = header.db
            if _is_meant(header, wanted, run):
                _deliver(spool, _destination(header, known, to), synced)
            else:
                spool.close(delete=False)
                continue
        yield synced


def _is_meant(header: RunHeader, db: str | None, run: str | None) -> bool:
    if run is not None and run != header.run.name and not (run and header.run.id.startswith(run)):
        return False
    return db is None or plain_url(db) == header.db


def _destination(
    header: RunHeader, known: list[str], to: str | os.PathLike[str] | None
) -> str | None:
    if to is not None:
        header.begun = header.begun and plain_url(os.fspath(to)) == header.db
        return os.fspath(to)
    return next((db for db in known if plain_url(db) == header.db), header.db)


def _deliver(spool: Spool, db: str | None, synced: Synced) -> None:
    spool.header.db = db
    emptied = False
    try:
        _empty(spool, synced)
        emptied = True
    except RunGone:
        synced.problem = (
            f"expected run {spool.header.run.id} in {synced.database}. Received: no such run, it "
            f"was deleted. Fix: delete {spool.path}, or deliver it elsewhere with --to."
        )
    except (LossmonError, SpoolError) as error:
        synced.problem = str(error)
    finally:
        spool.close(delete=emptied)


def _empty(spool: Spool, synced: Synced) -> None:
    header, last = spool.header, 0
    with closing(RunWriter.continued(header, late=True)) as writer:
        if plain_url(header.db) == synced.database:
            # Where this breaks off and the run is deleted, it does not come back.
            with suppress(SpoolError):
                spool.tell(header)
        while (parcel := spool.first(last)) is not None:
            last, records = parcel
            left_out = 0
            try:
                writer.deliver(records)
            except RunGone:
                left_out = deliver_superseded(writer.url, header, records)
            synced.batches += len(records.batches) - left_out
            synced.superseded += left_out
            synced.epochs += len(records.epochs)
            spool.remove(last)
