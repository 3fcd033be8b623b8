"""A database that is read: by connections that cannot write, and follow the file."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import EllipsisType

from sqlalchemy import URL, Connection

from lossmon.store.ends import RememberedEnds
from lossmon.store.engine import demand_database, describe, explained, file_identity, open_engine
from lossmon.store.gathering import Remembered
from lossmon.store.pulse import JointPulse, Pulse, Pulses, Shown
from lossmon.store.ranks import read_parts
from lossmon.store.resolve import resolve_run
from lossmon.store.revision import read_recording, read_revision
from lossmon.store.run_list import RunList
from lossmon.store.upgrade import demand_current


class Known:
    """What was read of the runs before, which need not be read again."""

    def __init__(self) -> None:
        self.remembered = Remembered()
        self.listed = RunList()
        self.ends = RememberedEnds()
        self.pulses = Pulses()


class Connected:
    """The connection of a `Store` to its database, and what all of its parts need."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = open_engine(url, read_only=True)
        # A server has none, but is looked at once all the same.
        self._file: tuple[int, int] | EllipsisType | None = ...
        self._known = Known()
        self._held = threading.local()
        weakref.finalize(self, self._engine.dispose)
        with self._reading():
            pass

    @property
    def database(self) -> str:
        """The path of the database, or its URL without the password."""
        return describe(self._url)

    def resolve(self, run: str) -> str:
        """Return the id of a run.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Returns:
            Twelve hexadecimal characters.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return resolve_run(connection, run)

    def revision(self, run: str | None = None) -> str:
        """Return a token that changes when there is something new to show, of a run or of all.

        Args:
            run: the run; None for all.

        Returns:
            A text that means nothing by itself.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            run_id = None if run is None else resolve_run(connection, run)
            return read_revision(connection, run_id)

    def pulse(self, run: str | None = None, shown: Shown | None = None) -> Pulse:
        """Return what is new, for views that ask again and again: cheaper than all others.

        Args:
            run: the run that is looked at; None for all.
            shown: of these runs also what a list shows of them, where they are being recorded, and
                what it has of them: see `Pulses.read`.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            pulse = self._known.pulses.read(connection, run, shown or {})
        if "connection" in self._held.__dict__:
            self._held.run = pulse.run
        return pulse

    def joint_pulse(self, runs: Sequence[str], since: int = -1) -> JointPulse:
        """Return what is new of several runs, in as many statements as `pulse`, however many.

        Args:
            runs: their ids.
            since: the `JointPulse.news` that are known; -1 where none are.
        """
        with self._reading() as connection:
            return self._known.pulses.read_joint(connection, runs, since)

    @contextmanager
    def at_once(self) -> Generator[None]:
        """Read all that this thread asks within the block by one connection, in one state."""
        with self._reading() as connection:
            outer = self._held.__dict__.copy()
            self._held.connection, self._held.run = connection, None
            try:
                yield
            finally:
                self._held.__dict__.clear()
                self._held.__dict__.update(outer)

    def running(self) -> int:
        """Return how many runs are being recorded."""
        with self._reading() as connection:
            return len(read_recording(connection))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _parts(self, run_ids: Sequence[str]) -> list[str]:
        """The other ranks of jobs, which share what becomes of their rank 0."""
        with self._reading() as connection:
            return [part for run_id in run_ids for part in read_parts(connection, run_id)]

    def _named(self, connection: Connection, run: str) -> str:
        """The id of a run, which is not asked for twice of one state."""
        known = self._held.__dict__.get("run")
        return run if run == known else resolve_run(connection, run)

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        held = self._held.__dict__.get("connection")
        if held is not None:
            yield held
            return
        with explained(self._url):
            demand_database(self._url)
            self._follow_file()
            with self._engine.connect() as connection:
                yield connection

    def _follow_file(self) -> None:
        # A connection that is kept would go on reading a file that was removed or replaced.
        present = file_identity(self._url)
        if present == self._file:
            return
        self._engine.dispose()
        with self._engine.connect() as connection:
            demand_current(connection, self.database)
        self._known = Known()
        self._file = present
