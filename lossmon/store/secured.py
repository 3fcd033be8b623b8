"""What a training has let out and not stored yet, kept outside of its process."""

from __future__ import annotations

import contextlib
import sqlite3
import time

from lossmon.store.parcel import Place, Records, RunHeader
from lossmon.store.spool import Spool, SpoolError, SpoolInUse, secured_path


class SecuredSteps:
    """Keeps what is known of steps until they are stored, in case that their training is killed.

    It lies in a spool of its own, which is locked as long as the training lives, and from which
    `deliver_secured` and `sync` deliver it afterwards. A folder that cannot be used is not asked
    again.

    **Thread safety**: none. **Errors**: none are raised.

    Args:
        header: of the run.

    Attributes:
        usable: whether it can keep more, as far as is known.
        last: the number of what was kept last, 0 before.
    """

    def __init__(self, header: RunHeader) -> None:
        self.usable = True
        self.last = 0
        self._header = header
        self._spool: Spool | None = None
        self._place: Place | None = None
        self._file = 0
        self._forgotten = 0

    def keep(self, records: Records) -> bool:
        """Keep batches beside those that are kept, of a run whose beginning is stored.

        Args:
            records: batches, with what is known of them by now.

        Returns:
            Whether it did.
        """
        if not self.usable or not self._header.begun:
            return False
        records.time = time.time()
        try:
            self.last = self._opened().append(records)
        except SpoolInUse:
            # Whoever looks whether there is something to deliver is gone in a moment.
            return False
        except (SpoolError, OSError):
            self.usable = False
            return False
        return True

    def _opened(self) -> Spool:
        """The spool, which knows where the run is."""
        if self._spool is None:
            self._spool = Spool(secured_path(self._header), self._header)
            self._place, self._file = self._header.place, self._spool.path.stat().st_ino
        if self._spool.path.stat().st_ino != self._file:
            raise SpoolError(f"{self._spool.path} was replaced")
        if self._place != self._header.place:
            self._spool.tell(self._header)
            self._place = self._header.place
        return self._spool

    def forget(self, last: int) -> None:
        """Forget what is stored.

        Args:
            last: the number of what was kept last of it.
        """
        if self._spool is None or last <= self._forgotten:
            return
        self._forgotten = last
        with contextlib.suppress(SpoolError):  # What is delivered again is stored once.
            self._spool.remove(last)

    def close(self) -> None:
        """Let go of the file and delete it: of a training that ends nothing is secured."""
        self.usable = False
        if self._spool is not None:
            # All that is in it is stored; what is delivered again is stored once.
            with contextlib.suppress(OSError, sqlite3.Error):
                self._spool.close(delete=True)
            self._spool = None
