"""Deliver what trainings that have ended left in their spools."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, select

from lossmon.errors import LossmonError, RunGone
from lossmon.store.engine import VARIABLE, database_url, demand_database, opened, plain_url
from lossmon.store.identity import identity_of, is_same
from lossmon.store.parcel import RunHeader
from lossmon.store.schema import runs
from lossmon.store.spool import (
    SECURED,
    SUFFIX,
    Spool,
    SpoolError,
    SpoolInUse,
    spool_folder,
)
from lossmon.store.superseded import deliver_superseded
from lossmon.store.writer import RunWriter

# Seconds that whoever reads waits for a lock, to deliver what was secured.
PATIENCE = 0.25


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
    return list(_sync(_spools(), db, to, run))


def deliver_secured(url: URL) -> None:
    """Deliver what killed trainings had secured of their last second, for one database.

    What cannot be delivered at once waits on: whoever reads does not wait for it.

    Args:
        url: of the database.
    """
    # Whatever it is must keep nobody from reading, and `lossmon sync` says it.
    with suppress(Exception):
        db = url.render_as_string(hide_password=False)
        for synced in _sync(_spools(SECURED), db, None, None, patience=PATIENCE):
            # Where it is the database, it would be so again.
            if synced.problem is not None and synced.database is not None:
                return


def _spools(kind: str = SUFFIX) -> list[Path]:
    return sorted(spool_folder().glob(f"*{kind}"))


def _spool_before(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SECURED) + SUFFIX)


def _sync(
    paths: Sequence[Path],
    db: str | os.PathLike[str] | None,
    to: str | os.PathLike[str] | None,
    run: str | None,
    *,
    patience: float | None = None,
) -> Iterator[Synced]:
    wanted = None if db is None else os.fspath(db)
    # One whose own database is to be used must be able to know its password.
    known = [given for given in (wanted, os.environ.get(VARIABLE)) if given]
    for path in paths:
        synced, secured = Synced(path), path.name.endswith(SECURED)
        # Of a run that is not named nothing goes elsewhere but what its database did not take.
        if secured and to is not None and run is None and _spool_before(path) not in paths:
            continue
        if secured and _spool_before(path).exists():
            continue
        try:
            spool = Spool(path)
        except SpoolInUse:
            if secured:  # as of any training that runs
                continue
            synced.problem = "a training that runs, or another sync, is using it"
        except SpoolError as error:
            synced.problem = str(error)
        else:
            header = spool.header
            synced.run_id, synced.name = header.run.id, header.run.name
            synced.database = header.db
            if not _is_meant(header, wanted, run):
                spool.close(delete=False)
                continue
            header.db = _destination(header, known, to)
            if secured and to is None and _was_deleted(spool, synced):
                spool.close(delete=True)
                continue
            _deliver(spool, synced, patience)
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


def _was_deleted(spool: Spool, synced: Synced) -> bool:
    """Whether a run is gone, of which a second that was never stored is not missed."""
    header = spool.header
    try:
        url = database_url(header.db)
        demand_database(url)
        with (
            opened(url, read_only=True, patience=PATIENCE) as engine,
            engine.connect() as connection,
        ):
            known = select(runs.c.id).where(runs.c.id == header.run.id)
            if connection.execute(known).first() is not None:
                return False
            if is_same(header.place, identity_of(connection, url)):
                return True
    except LossmonError as error:
        synced.problem = str(error)
        return False
    synced.problem = (
        f"expected the database in which run {header.run.name!r} was begun, at {synced.database}. "
        f"Received: another one. Fix: bring that one back, deliver it elsewhere with `lossmon sync "
        f"{header.run.id} --to …`, or delete {spool.path}."
    )
    return False


def _deliver(spool: Spool, synced: Synced, patience: float | None) -> None:
    if synced.problem is not None:
        spool.close(delete=False)
        return
    emptied = False
    try:
        _empty(spool, synced, patience)
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


def _empty(spool: Spool, synced: Synced, patience: float | None) -> None:
    header, last = spool.header, 0
    with closing(RunWriter.continued(header, patience=patience, late=True)) as writer:
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
