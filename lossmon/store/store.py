"""The reading side: what was recorded, for people, the command line and the dashboard."""

from __future__ import annotations

import os

from lossmon.store.engine import database_url
from lossmon.store.store_changes import StoreChanges
from lossmon.store.store_curves import StoreCurves
from lossmon.store.store_frames import StoreFrames
from lossmon.store.store_runs import StoreRuns
from lossmon.store.store_samples import StoreSamples


def open_store(db: str | os.PathLike[str] | None = None) -> Store:
    """Open a database for reading.

    Args:
        db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` in the working
            directory.

    Raises:
        InvalidArgument: `db` names no database.
        SchemaOutdated: the database was written by an older lossmon.
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: there is none, or it cannot be read.
    """
    return Store(database_url(db))


class Store(StoreFrames, StoreRuns, StoreCurves, StoreSamples, StoreChanges):
    """The runs of one database.

    A `run` is named by its id, a unique prefix of that, its name (the newest run of that name), or
    "latest"; every method that takes one raises `RunNotFound` where that fails.

    **Thread safety**: a store may be used by several threads at once.

    **Consistency**: each call reads one state of the database, through connections that cannot
    write; the methods that change something open another for as long as they take.

    **Ranks**: the processes of a distributed job are one run, that of rank 0, whose "ranks" tell of
    all; the others can be named by their ids. What is done to it is done to all of them.

    **Liveness**: a run whose process is gone is shown as "interrupted", see
    `lossmon.store.liveness`.

    Args:
        url: of the database; `open_store` takes a path as well.
    """
