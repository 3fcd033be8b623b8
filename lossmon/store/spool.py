"""Where records wait on this machine while the database does not take them.

One file a training: a SQLite database of its own, so that what was kept survives the process, and
locked for as long as a process uses it, so that no two deliver it at once. It holds the header of
the run and parcels, text under rising numbers. Passwords of databases are not kept.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import platformdirs

from lossmon.errors import LossmonError
from lossmon.store.encoding import decode_header, decode_records, encode_header, encode_records
from lossmon.store.engine import plain_url
from lossmon.store.parcel import Records, RunHeader

VARIABLE = "LOSSMON_SPOOL"
SUFFIX = ".spool"
FORMAT = 1
# What one training may keep; and what it leaves free on the disk, which training needs as well.
MOST_BYTES = 2**30
FREE_BYTES = 2**28
# What batches and samples leave for epochs and findings.
_RESERVED = 0.1
# What reading a document of another version may end in.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)


class SpoolError(Exception):
    """A spool cannot be used, or not now."""


class SpoolInUse(SpoolError):
    """Another process uses the spool."""


def spool_folder() -> Path:
    """Return where spools are: `$LOSSMON_SPOOL`, else a folder for the state of programs."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    return platformdirs.user_state_path("lossmon", appauthor=False) / "spool"


def spool_path(header: RunHeader) -> Path:
    """Return where the records of a training wait, if they have to."""
    return spool_folder() / f"{header.run.id}-{header.attempt}{SUFFIX}"


class Spool:
    """The spool of one training.

    **Thread safety**: one thread at a time.

    **Errors**: `SpoolError` where the file cannot be used, is full, or belongs to another process.

    Args:
        path: of the file.
        header: of the run; None to open what is there.
    """

    def __init__(self, path: Path, header: RunHeader | None = None) -> None:
        self.path = path
        new = header is not None and not path.exists()
        try:
            self._connection = _connect(path, new=header is not None)
        except (sqlite3.Error, OSError) as error:
            raise _explained(path, error) from error
        try:
            self.header = self._begin(header)
        except (sqlite3.Error, OSError, *_UNREADABLE) as error:
            # A file that could not be begun, on a full disk, would wait for nothing.
            self.close(delete=new)
            raise _explained(path, error) from error

    def _begin(self, header: RunHeader | None) -> RunHeader:
        connection = self._connection
        if header is not None:
            connection.execute("CREATE TABLE IF NOT EXISTS header (document TEXT NOT NULL)")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS parcels"
                " (number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL)"
            )
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            self._tell(header)
            return header
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise ValueError(f"its format {version} is not {FORMAT}, which this lossmon reads")
        (document,) = connection.execute("SELECT document FROM header").fetchone()
        return decode_header(document)

    def tell(self, header: RunHeader) -> None:
        """Keep the header as it is now."""
        try:
            self._tell(header)
        except sqlite3.Error as error:
            raise SpoolError(f"{self.path}: {error}") from error

    def _tell(self, header: RunHeader) -> None:
        connection = self._connection
        with connection:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM header")
            document = encode_header(_without_password(header))
            connection.execute("INSERT INTO header VALUES (?)", (document,))

    def append(self, records: Records) -> None:
        """Keep records until they are delivered."""
        large = bool(records.batches or records.samples)
        try:
            self._demand_room(MOST_BYTES * (1 - _RESERVED) if large else MOST_BYTES)
            document = encode_records(records)
            self._connection.execute("INSERT INTO parcels (document) VALUES (?)", (document,))
        except (sqlite3.Error, OSError) as error:
            raise SpoolError(f"{self.path}: {error}") from error

    def _demand_room(self, most: float) -> None:
        sizes = "SELECT (page_count - freelist_count) * page_size"
        pragmas = "pragma_page_count, pragma_freelist_count, pragma_page_size"
        (size,) = self._connection.execute(f"{sizes} FROM {pragmas}").fetchone()
        if size > most:
            raise SpoolError(f"{self.path} holds {size / 2**20:.0f} MiB, as much as it may")
        free = shutil.disk_usage(self.path.parent).free
        if free < FREE_BYTES:
            raise SpoolError(f"{free / 2**20:.0f} MiB are left on the disk of {self.path}")

    def first(self, after: int) -> tuple[int, Records] | None:
        """Return the first parcel of a greater number, with its number."""
        query = "SELECT number, document FROM parcels WHERE number > ? ORDER BY number LIMIT 1"
        try:
            found = self._connection.execute(query, (after,)).fetchone()
            return None if found is None else (found[0], decode_records(found[1]))
        except (sqlite3.Error, *_UNREADABLE) as error:
            raise _explained(self.path, error) from error

    def remove(self, number: int) -> None:
        """Forget the parcels up to a number, which were delivered."""
        try:
            self._connection.execute("DELETE FROM parcels WHERE number <= ?", (number,))
        except sqlite3.Error as error:
            raise SpoolError(f"{self.path}: {error}") from error

    def count(self) -> int:
        """Return how many parcels wait."""
        return self._connection.execute("SELECT count(*) FROM parcels").fetchone()[0]

    def close(self, *, delete: bool) -> None:
        """Let go of the file, and delete it where nothing waits in it."""
        self._connection.close()
        if delete:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def _explained(path: Path, error: Exception) -> SpoolError:
    if isinstance(error, _UNREADABLE):
        return SpoolError(
            f"{path}: expected a spool that this lossmon can read. Received: {error!r}. Fix: where "
            "a newer one wrote it, pip install --upgrade lossmon."
        )
    busy = isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return (SpoolInUse if busy else SpoolError)(f"{path}: {error}")


def _connect(path: Path, *, new: bool) -> sqlite3.Connection:
    made = new and not path.exists()
    if new:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=0.0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # The lock is taken by the first transaction, and kept.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.close()
        if made:
            path.unlink(missing_ok=True)
        raise
    return connection


def _without_password(header: RunHeader) -> RunHeader:
    """The same header with the absolute path or the URL of its database, as far as it names one."""
    try:
        return replace(header, db=plain_url(header.db))
    except LossmonError:
        return header
