"""The store that the dashboard reads, kept in the app's config and opened when first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from lossmon.store import open_store

if TYPE_CHECKING:
    from lossmon.store import Store

DATABASE = "LOSSMON_DB"
_EXTENSION = "lossmon_store"


def current_store() -> Store:
    """The store of the app that handles this request.

    A database that cannot be opened yet is tried again by the next request, so that the dashboard
    may be started before the first run is recorded.

    Raises:
        StoreError: the database is missing or cannot be read.
    """
    app = flask.current_app
    if _EXTENSION not in app.extensions:
        app.extensions[_EXTENSION] = open_store(app.config[DATABASE])
    return app.extensions[_EXTENSION]
