"""What a training has let out and not stored yet, kept outside of its process."""

from __future__ import annotations

import contextlib
import sqlite3
import time

from lossmon.store.parcel import Records, RunHeader
from lossmon.store.spool import Spool, SpoolError, secured_path


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
    """

    def __init__(self, header: RunHeader) -> None:
        self._header = header
        self._spool: Spool | None = None
        self.usable = True
        self._holds = False

    def keep(self, records: Records) -> bool:
        """Keep batches beside those that are kept.

        Args:
            records: batches, with what is known of them by now.

        Returns:
            Whether it did.
        """
        if not self.usable:
            return False
        records.time = time.time()
        try:
            if self._spool is None:
                self._spool = Spool(secured_path(self._header), self._header)
            self._spool.append(records)
        except SpoolError:
            self.usable = False
            return False
        self._holds = True
        return True

    def clear(self) -> None:
        """Forget what is kept, since it is stored."""
        if self._spool is None or not self._holds:
            return
        self._holds = False
        with contextlib.suppress(SpoolError):  # What is delivered again is stored once.
            self._spool.clear()

    def close(self) -> None:
        """Let go of the file and delete it: of a training that ends nothing is secured."""
        self.usable = False
        if self._spool is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._spool.close(delete=True)
            self._spool = None
