"""What the functions of Keras that are being called hold, read without keeping it alive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any


def keras_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of Keras' own functions, from this one outwards."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("keras."):
            yield frame
        frame = frame.f_back


def locals_of(frame: FrameType) -> dict[str, Any]:
    """The local names of one of Keras' own functions.

    Before Python 3.13 a frame keeps what its `f_locals` gave for as long as the function is called:
    `fit` kept the iterator of its first epoch, with its threads and the batches that it had
    prefetched, and had to wait for it at its end.
    """
    names = frame.f_locals
    found = dict(names)
    if sys.version_info < (3, 13):
        names.clear()  # pyright: ignore[reportAttributeAccessIssue]
    return found
