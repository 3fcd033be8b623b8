"""The writing side: one training process that records one run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from lossmon.errors import RunGone, StoreError
from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    OutputRecord,
    RunRecord,
    RunStatus,
    SampleRecord,
)
from lossmon.store import statements
from lossmon.store.engine import (
    database_url,
    describe,
    explained,
    file_identity,
    is_busy,
    open_engine,
    opened,
)
from lossmon.store.identity import identity_of, is_same
from lossmon.store.nonfinite import storable_text
from lossmon.store.parcel import Ending, Place, Records, RunHeader, Trouble
from lossmon.store.rows import run_row
from lossmon.store.schema import runs
from lossmon.store.silence import answered_in_time
from lossmon.store.summariser import Summariser
from lossmon.store.upgrade import create_or_check

T = TypeVar("T")
_PAUSES = (0.05, 0.2, 0.5, 1.0)


class RunWriter:
    """Records one run.

    **Thread safety**: none; it may be opened in one thread and used in another, by one thread at a
    time. It does not outlive a fork.

    **Atomicity**: each call is one transaction. After an error nothing of that call is stored, and
    the same records may be handed over again.

    **Exactly once**: what is stored already, because the answer to an earlier call was lost, is not
    stored again: of batches and troubles the first stays, epochs and findings are replaced.

    **Errors**: `RunGone` where the run was deleted, or resumed by another training; `StoreError`
    for whatever else the database refuses, after a bounded wait for other processes that hold its
    lock.

    Args:
        connection: to the database, by which all is written.
        url: of the database.
        header: the run, where it goes, and what of it was stored before.
        patience: seconds to wait for a lock or a server; by default as long as can be.
        late: whether the run is to seem alive at its start and not now.

    Attributes:
        moved: whether the run had been begun in another database than the one that is there now.
        begun_anew: whether that one knew nothing of it.
    """

    def __init__(
        self,
        connection: Connection,
        url: URL,
        header: RunHeader,
        *,
        patience: float | None = None,
        late: bool = False,
    ) -> None:
        self._connection = connection
        self._url = url
        self._header = header
        self._run_id = header.run.id
        self._late = late
        self._pauses = _PAUSES if patience is None else ()
        self._troubles: list[dict[str, float | str]] = []
        self._file = file_identity(url)
        self.moved = self.begun_anew = False
        self._summariser = Summariser(header.run.id)

    @classmethod
    def open(
        cls,
        db: str | os.PathLike[str] | None,
        run: RunRecord,
        outputs: Sequence[OutputRecord] = (),
    ) -> RunWriter:
        """Store the beginning of a run, in a database that is made where there is none.

        Args:
            db: a SQLAlchemy URL or a path; None for the default database.
            run: the run; its id must be new.
            outputs: the outputs of its model, as far as they are known.

        Raises:
            InvalidArgument: `db` names no database.
            SchemaOutdated: the database was written by an older lossmon.
            SchemaTooNew: it was written by a newer lossmon.
            StoreError: it cannot be used.
        """
        given = None if db is None else os.fspath(db)
        return cls.continued(RunHeader(given, run, list(outputs)))

    @classmethod
    def continued(
        cls, header: RunHeader, *, patience: float | None = None, late: bool = False
    ) -> RunWriter:
        """Store the beginning of a run where it is not stored yet, and go on from there.

        Args:
            header: the run, where it goes, and what of it was stored before; is told when its
                beginning has been stored.
            patience: seconds to wait for a lock or a server; by default as long as can be.
            late: whether the run is to seem alive at its start and not now.

        Raises:
            RunGone: the run was deleted, or resumed by another training.
            StoreError: as `open`.
        """
        url = database_url(header.db)
        with opened(url, patience=patience) as engine, answered_in_time(engine):
            create_or_check(engine, describe(url))
        with explained(url):
            connection = open_engine(url, patience=patience).connect()
        writer = cls(connection, url, header, patience=patience, late=late)
        try:
            writer._troubles, place = writer._commit(writer._begin)
        except StoreError:
            writer.close()
            raise
        header.begun, header.place = True, place
        return writer

    def _begin(self, connection: Connection) -> tuple[list[dict[str, float | str]], Place]:
        """Store the run unless it is there, and return its troubles and where that is."""
        header, run = self._header, self._header.run
        place = identity_of(connection, self._url)
        self.moved = header.begun and not is_same(header.place, place)
        columns = (runs.c.troubles, runs.c.attempt)
        told = select(*columns).where(runs.c.id == run.id, runs.c.started == run.started)
        stored = connection.execute(told).first()
        self.begun_anew = self.moved and stored is None
        if stored is None:
            # A run that was stored here and is no more was deleted; another database is another
            # matter.
            if header.attempt or (header.begun and not self.moved):
                raise self._gone(deleted=True)
            began = {"heartbeat": run.started} if self._late else {}
            connection.execute(insert(runs).values(run_row(run) | began))
        if stored is None or stored.attempt == header.attempt:
            statements.replace_outputs(connection, run.id, header.outputs)
            statements.change_run(connection, run.id)
        return [] if stored is None else list(stored.troubles or ()), place

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run_id

    @property
    def url(self) -> URL:
        """The database that is written to."""
        return self._url

    def write(
        self,
        batches: Sequence[BatchRecord] = (),
        epochs: Sequence[EpochRecord] = (),
        findings: Iterable[Finding] = (),
        withdrawn: Iterable[Finding] = (),
        outputs: Sequence[OutputRecord] | None = None,
        *,
        samples: Sequence[SampleRecord] = (),
        position: statements.Position | None = None,
    ) -> None:
        """Store what is new, in one transaction, and that the run is alive.

        Args:
            batches: new rows; one that is stored already is left as it is.
            epochs: rows that are new, or replace those of the same epoch, split and output.
            findings: replace those of the same rule and output, but for when they were first seen.
            withdrawn: findings that no longer stand.
            outputs: replace all outputs of the run; None leaves them as they are.
            samples: validation samples of epochs, which replace those of the same epoch and output.
            position: the epoch and step that the run has reached; by default those of the last
                batch.

        Raises:
            StoreError: nothing was stored.
        """
        lists = list(batches), list(epochs), list(findings), list(withdrawn)
        records = Records(*lists, samples=list(samples))
        records.outputs = None if outputs is None else list(outputs)
        self._store(records, position)

    def deliver(self, records: Records) -> None:
        """Store records, in one transaction.

        Args:
            records: what to store.

        Raises:
            RunGone: the run was deleted, or resumed by another training.
            StoreError: nothing was stored.
        """
        self._store(records)

    def _store(
        self,
        records: Records,
        position: statements.Position | None = None,
    ) -> None:
        last = records.batches[-1] if records.batches else None
        reached = position or (None if last is None else (last.epoch, last.step))
        seen = records.time or time.time()
        troubles = self._with_troubles(records)
        values = self._values(records, troubles)

        def store(connection: Connection, new: Sequence[BatchRecord]) -> Summariser:
            summariser = statements.insert_batches(connection, self._run_id, new, self._summariser)
            if records.ending is not None:
                summariser = summariser.end(connection)
            statements.replace_epochs(connection, self._run_id, records.epochs)
            statements.replace_samples(connection, self._run_id, records.samples)
            if records.outputs is not None:
                statements.replace_outputs(connection, self._run_id, records.outputs)
            for finding in records.withdrawn:
                statements.withdraw_finding(connection, self._run_id, finding)
            for finding in records.findings:
                statements.report_finding(connection, self._run_id, finding, reached, seen)
            lives = True
            if reached is not None:
                steps = sum(record.split == "train" and record.output is None for record in new)
                news = records.is_news()
                lives = statements.advance_run(connection, alive, steps, reached, news=news)
            if lives and (reached is None or values):
                lives = statements.renew_run(connection, alive, **values)
            if not lives:
                raise self._missing(connection)
            return summariser

        def store_all(connection: Connection) -> Summariser:
            # A batch of a run that is gone is refused, which leads to the careful way.
            if not batches:
                self._demand_run(connection)
            return store(connection, batches)

        def store_what_is_new(connection: Connection) -> Summariser:
            self._demand_run(connection)
            new = statements.not_stored(connection, self._run_id, batches)
            return store(connection, statements.not_pruned(connection, self._run_id, new))

        batches = records.batches
        alive = self._alive(records.time)
        # What comes late may have been stored before, and pruned since.
        doubtful = self._late and bool(batches)
        try:
            self._summariser = self._commit(store_what_is_new if doubtful else store_all)
        except StoreError as error:
            if doubtful or not batches or not isinstance(error.__cause__, IntegrityError):
                raise
            self._summariser = self._commit(store_what_is_new)
        self._troubles = troubles

    def _with_troubles(self, records: Records) -> list[dict[str, float | str]]:
        told = (
            {"time": trouble.time, "message": storable_text(trouble.message)}
            for trouble in records.troubles
        )
        return self._troubles + [trouble for trouble in told if trouble not in self._troubles]

    def _values(self, records: Records, troubles: list[dict[str, float | str]]) -> dict[str, Any]:
        """What else changes in the row of the run."""
        values: dict[str, Any] = {}
        if len(troubles) > len(self._troubles):
            values["troubles"] = troubles
        if records.dropped:
            values["dropped"] = self._header.dropped + records.dropped
        if records.ending is not None:
            ending = records.ending
            values |= {"status": ending.status, "ended": ending.time, "duration": ending.duration}
        return values

    def heartbeat(self) -> None:
        """Store that the run is alive."""
        self._commit(self._beat)

    def trouble(self, message: str) -> None:
        """Add one of lossmon's own troubles to the run.

        Args:
            message: what went wrong, in a sentence.
        """
        self._store(Records(troubles=[Trouble(time.time(), message)]))

    def finish(self, status: RunStatus) -> None:
        """Store how the run ended, and when.

        Args:
            status: "finished", "failed" or "interrupted".
        """
        ended = time.time()
        self._store(Records(ending=Ending(status, ended, ended - self._header.run.started)))

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        self._connection.engine.dispose()

    def _beat(self, connection: Connection) -> None:
        if not statements.beat(connection, self._alive(time.time())):
            raise self._missing(connection)

    def _alive(self, recorded: float) -> statements.Alive:
        """The run, alive now, or when what comes late was recorded."""
        now = recorded if self._late else time.time()
        return statements.Alive(self._run_id, self._header.attempt, now)

    def _demand_run(self, connection: Connection) -> None:
        attempt = select(runs.c.attempt).where(runs.c.id == self._run_id)
        if connection.execute(attempt).scalar() != self._header.attempt:
            raise self._missing(connection)

    def _missing(self, connection: Connection) -> RunGone:
        known = select(runs.c.id).where(runs.c.id == self._run_id)
        return self._gone(deleted=connection.execute(known).first() is None)

    def _gone(self, *, deleted: bool) -> RunGone:
        received = (
            "no such run, it was deleted while it was being recorded"
            if deleted
            else "one that another training has resumed"
        )
        return RunGone(
            f"expected run {self._run_id} in {describe(self._url)}. Received: {received}. "
            "Fix: start a new run."
        )

    def _commit(self, action: Callable[[Connection], T]) -> T:
        self._demand_same_file()
        pauses = iter(self._pauses)
        while True:
            try:
                with self._in_time(), self._connection.begin():
                    return action(self._connection)
            except DBAPIError as error:
                pause = next(pauses, None)
                if pause is None or not is_busy(error):
                    with explained(self._url):
                        raise
                time.sleep(pause)

    def _in_time(self) -> AbstractContextManager[None]:
        # Without patience, as for `lossmon sync`, there is somebody who can break it off.
        return nullcontext() if self._pauses else answered_in_time(self._connection)

    def _demand_same_file(self) -> None:
        # An open connection would go on writing, without an error, to a file that was removed.
        if self._file != file_identity(self._url):
            raise StoreError(
                f"expected the database that was opened at {describe(self._url)}. Received: it was "
                "removed or replaced. Fix: leave the file in place while a training writes to it."
            )
