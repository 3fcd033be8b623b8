"""The writing side: one training process that records one run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from lossmon.errors import StoreError
from lossmon.records import BatchRecord, EpochRecord, Finding, OutputRecord, RunRecord, RunStatus
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
from lossmon.store.nonfinite import storable_text
from lossmon.store.rows import run_row
from lossmon.store.schema import runs
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

    **Exactly once**: a batch that is stored already, because the answer to an earlier call was
    lost, is not stored again; the first stays.

    **Errors**: `StoreError` for whatever the database refuses, after a bounded wait for other
    processes that hold its lock.
    """

    def __init__(self, connection: Connection, url: URL, run: RunRecord) -> None:
        self._connection = connection
        self._url = url
        self._run_id = run.id
        self._started = run.started
        self._troubles: list[dict[str, float | str]] = []
        self._file = file_identity(url)
        self._summariser = Summariser(run.id)

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
        url = database_url(db)
        with opened(url) as engine:
            create_or_check(engine, describe(url))
        with explained(url):
            writer = cls(open_engine(url).connect(), url, run)

        def begin(connection: Connection) -> None:
            connection.execute(insert(runs).values(run_row(run)))
            statements.replace_outputs(connection, run.id, outputs)
            statements.change_run(connection, run.id)

        try:
            writer._commit(begin)
        except StoreError:
            writer.close()
            raise
        return writer

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run_id

    def write(
        self,
        batches: Sequence[BatchRecord] = (),
        epochs: Sequence[EpochRecord] = (),
        findings: Iterable[Finding] = (),
        withdrawn: Iterable[Finding] = (),
        outputs: Sequence[OutputRecord] | None = None,
        *,
        position: statements.Position | None = None,
    ) -> None:
        """Store what is new, in one transaction, and that the run is alive.

        Args:
            batches: new rows; one that is stored already is left as it is.
            epochs: rows that are new, or replace those of the same epoch, split and output.
            findings: replace those of the same rule and output, but for when they were first seen.
            withdrawn: findings that no longer stand.
            outputs: replace all outputs of the run; None leaves them as they are.
            position: the epoch and step that the run has reached; by default those of the last
                batch.

        Raises:
            StoreError: nothing was stored.
        """
        last = batches[-1] if batches else None
        reached = position or (None if last is None else (last.epoch, last.step))
        findings, withdrawn = tuple(findings), tuple(withdrawn)

        def store(connection: Connection, new: Sequence[BatchRecord]) -> Summariser:
            self._beat(connection)
            summariser = statements.insert_batches(connection, self._run_id, new, self._summariser)
            statements.replace_epochs(connection, self._run_id, epochs)
            if outputs is not None:
                statements.replace_outputs(connection, self._run_id, outputs)
            for finding in withdrawn:
                statements.withdraw_finding(connection, self._run_id, finding)
            for finding in findings:
                statements.report_finding(connection, self._run_id, finding, reached)
            if reached is None:
                statements.change_run(connection, self._run_id)
            else:
                steps = sum(record.split == "train" and record.output is None for record in new)
                statements.advance_run(connection, self._run_id, steps, reached)
            return summariser

        def store_what_is_new(connection: Connection) -> Summariser:
            return store(connection, statements.not_stored(connection, self._run_id, batches))

        try:
            self._summariser = self._commit(lambda connection: store(connection, batches))
        except StoreError as error:
            if not batches or not isinstance(error.__cause__, IntegrityError):
                raise
            self._summariser = self._commit(store_what_is_new)

    def heartbeat(self) -> None:
        """Store that the run is alive."""
        self._commit(self._beat)

    def trouble(self, message: str) -> None:
        """Add one of lossmon's own troubles to the run."""
        told = {"time": time.time(), "message": storable_text(message)}
        troubles = [*self._troubles, told]
        self._commit(lambda connection: self._change(connection, troubles=troubles))
        self._troubles = troubles

    def finish(self, status: RunStatus) -> None:
        """Store how the run ended, and when."""
        ended = time.time()
        values = {"status": status, "ended": ended, "duration": ended - self._started}
        self._commit(lambda connection: self._change(connection, **values))

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        self._connection.engine.dispose()

    def _change(self, connection: Connection, **values: Any) -> None:
        self._beat(connection)
        statements.change_run(connection, self._run_id, **values)

    def _beat(self, connection: Connection) -> None:
        if not statements.beat(connection, self._run_id):
            raise StoreError(
                f"expected run {self._run_id} in {describe(self._url)}. Received: no such run, it "
                "was deleted while it was being recorded. Fix: start a new run."
            )

    def _commit(self, action: Callable[[Connection], T]) -> T:
        self._demand_same_file()
        pauses = iter(_PAUSES)
        while True:
            try:
                with self._connection.begin():
                    return action(self._connection)
            except DBAPIError as error:
                pause = next(pauses, None)
                if pause is None or not is_busy(error):
                    with explained(self._url):
                        raise
                time.sleep(pause)

    def _demand_same_file(self) -> None:
        # An open connection would go on writing, without an error, to a file that was removed.
        if self._file != file_identity(self._url):
            raise StoreError(
                f"expected the database that was opened at {describe(self._url)}. Received: it was "
                "removed or replaced. Fix: leave the file in place while a training writes to it."
            )
