"""Delivers what a spool holds as soon as the database takes it, while training goes on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from lossmon.errors import RunGone
from lossmon.store.parcel import Records, RunHeader
from lossmon.store.spool import Spool, SpoolError, spool_path
from lossmon.store.writer import RunWriter

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0


class Courier:
    """One absence of the database, on a thread of its own: asking a dead server takes seconds.

    **Order**: records are delivered in the order in which they were kept; nobody else writes of the
    run until all of them are.

    **Exactly once**: a parcel is removed after it was stored; one that could not be removed is
    stored again, which changes nothing.

    Args:
        header: the run, and where it goes.
        patience: seconds that its writer waits for a lock.
    """

    def __init__(self, header: RunHeader, *, patience: float) -> None:
        self.error: Exception | None = None
        self.gone: RunGone | None = None
        self.delivered = 0
        self._header = header
        self._patience = patience
        self._spool: Spool | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._writer: RunWriter | None = None
        self._last = 0
        self._thread = threading.Thread(target=self._work, name="lossmon-courier", daemon=True)
        self._thread.start()

    def keep(self, records: Records) -> bool:
        """Keep records in the spool, unless all is delivered; tells whether it did.

        Raises:
            SpoolError: the spool does not take them.
        """
        with self._lock:
            if self._writer is not None or self.gone is not None:
                return False
            if self._spool is None:
                self._spool = Spool(spool_path(self._header), self._header)
            self._spool.append(records)
            return True

    def take_writer(self) -> RunWriter | None:
        """Return the writer to go on with, once all is delivered."""
        with self._lock:
            if self._writer is not None:
                self._close_spool()
            return self._writer

    def hurry(self) -> None:
        """Try again now."""
        self._wake.set()

    def stop(self) -> Spool | None:
        """Give up, and return the spool, closed, if something waits in it."""
        self._stopped = True
        self._wake.set()
        with self._lock:
            if self._writer is not None:
                self._writer.close()
            return self._close_spool()

    def _close_spool(self) -> Spool | None:
        spool, self._spool = self._spool, None
        if spool is None:
            return None
        empty = spool.first(self._last) is None
        spool.close(delete=empty)
        return None if empty else spool

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopped:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self._deliver()
            except RunGone as error:
                self.gone = error
                return
            except Exception as error:
                self.error = error
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return

    def _deliver(self) -> None:
        writer = RunWriter.continued(self._header, patience=self._patience)
        try:
            self._under_lock(lambda spool: spool.tell(self._header))
            while not self._stopped:
                parcel = self._next(writer)
                if parcel is None:
                    return
                number, records = parcel
                writer.deliver(records)
                self._last, self.delivered = number, self.delivered + 1
                self._under_lock(lambda spool, number=number: spool.remove(number))
        except BaseException:
            writer.close()
            raise
        writer.close()

    def _next(self, writer: RunWriter) -> tuple[int, Records] | None:
        with self._lock:
            if self._stopped:
                return None
            parcel = None if self._spool is None else self._spool.first(self._last)
            if parcel is None:
                self._writer = writer
            return parcel

    def _under_lock(self, action: Callable[[Spool], None]) -> None:
        # What cannot be told on a full disk is found out when it is delivered again.
        with self._lock, contextlib.suppress(SpoolError):
            if self._spool is not None:
                action(self._spool)
