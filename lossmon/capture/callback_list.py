"""The list of callbacks through which Keras calls a `Monitor`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import keras


def callback_list(wanted: Any = None) -> Any:
    """The innermost list of callbacks that is being called, or the wanted one if it is among them.

    A list of callbacks goes away when its `fit` ends, however that ends.
    """
    for frame in _stack(inspect.currentframe()):
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList) and wanted in (None, owner):
            return owner
    return None


def is_at_work(owner: Any) -> bool:
    """Whether some thread is in the `fit` that has this list of callbacks.

    After an error the list may stay where the error is kept, as in notebooks, but no thread is in
    that `fit` any more.
    """
    return any(
        value is owner
        for top in sys._current_frames().values()  # pyright: ignore[reportPrivateUsage]
        for frame in _stack(top)
        if frame.f_globals.get("__name__", "").startswith("keras.")
        for value in list(frame.f_locals.values())
    )


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
