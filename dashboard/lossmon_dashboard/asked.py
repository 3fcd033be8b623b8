"""The request that is answered, whichever way: by Flask, or before it by `direct`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import flask

_ASKED: ContextVar[flask.Request | None] = ContextVar("lossmon_asked", default=None)


def current_request() -> flask.Request | None:
    """The request; None outside of any."""
    return flask.request if flask.has_request_context() else _ASKED.get()


@contextmanager
def answering(request: flask.Request) -> Generator[None]:
    """Let a request be the current one within the block."""
    token = _ASKED.set(request)
    try:
        yield
    finally:
        _ASKED.reset(token)
