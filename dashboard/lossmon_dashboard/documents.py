"""Documents of runs, read once for all panels that are made of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import flask

from lossmon_dashboard.source import current_store

if TYPE_CHECKING:
    from lossmon.store import Store

Document = Mapping[str, Any]

_EXTENSION = "lossmon_documents"
_MOST_ROWS = 10_000
"""Epochs that are remembered of runs which the last question was not about."""


class Documents:
    """What `Store.run_document` said of runs, until more is new than batches.

    **Thread safety**: threads may share one; they take turns, so that the panels of a page, which
    ask at the same time, read each run once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str | None, Document]] = OrderedDict()

    def read(self, store: Store, runs: Sequence[str]) -> list[Document]:
        """Return the documents of some runs, which must not be changed.

        Args:
            store: where they are.
            runs: their ids.

        Raises:
            RunNotFound: one of them is not there.
        """
        with self._lock:
            tokens = store.joint_pulse(runs).tokens
            documents = [self._one(store, run, tokens.get(run)) for run in runs]
            self._forget(keep=frozenset(runs))
        return documents

    def _one(self, store: Store, run: str, token: str | None) -> Document:
        known = self._known.pop(run, None)
        if known is None or token is None or known[0] != token:
            known = token, store.run_document(run)
        self._known[run] = known
        return known[1]

    def _forget(self, keep: frozenset[str]) -> None:
        others = [run for run in self._known if run not in keep]
        rows = sum(len(self._known[run][1]["epochs"]) for run in others)
        for run in others:
            if rows <= _MOST_ROWS:
                return
            rows -= len(self._known.pop(run)[1]["epochs"])


def news_of(runs: Sequence[str] | None) -> str:
    """What is another text as soon as more is new of some runs than batches.

    Args:
        runs: their ids; None for none.

    Raises:
        StoreError: the database cannot be read.
    """
    return current_store().joint_pulse(runs or ()).token


def read_documents(runs: Sequence[str] | None) -> list[Document]:
    """Read the documents of some runs of the app that handles this request.

    Args:
        runs: their ids; None for none.

    Raises:
        RunNotFound: one of them is not there.
        StoreError: the database cannot be read.
    """
    documents = flask.current_app.extensions.setdefault(_EXTENSION, Documents())
    return documents.read(current_store(), runs or ())
