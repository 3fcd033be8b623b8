"""The list of callbacks through which Keras calls a `Monitor`; it goes away when its `fit` ends."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable
from typing import Any

import keras

from lossmon.capture.frames import keras_frames, locals_of


def callback_list(wanted: Any = None) -> Any:
    """The innermost list of callbacks being called, or the wanted one if it is among them."""
    for frame in keras_frames(inspect.currentframe()):
        owner = locals_of(frame).get("self")
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
        for frame in keras_frames(top)
        for value in locals_of(frame).values()
    )


class FitOwner:
    """Tells by the list of callbacks of a `fit`, held weakly, whether that goes on.

    When training is broken off outside of a step, Keras tells no callback; the end shows in that
    the list of callbacks goes away, at the latest with the interpreter.

    Args:
        owner: the list of callbacks; the model where there is none.
        when_gone: called when it goes away. Must not keep alive what keeps the list alive.
        args: what that is called with.
    """

    def __init__(self, owner: Any, when_gone: Callable[..., None], *args: Any) -> None:
        self._reference = weakref.ref(owner)
        self._watch = weakref.finalize(owner, when_gone, *args)

    def is_(self, owner: Any) -> bool:
        """Whether it is this one."""
        return self._reference() is owner

    @property
    def is_over(self) -> bool:
        """Whether its `fit` is over."""
        owner = self._reference()
        return owner is None or not is_at_work(owner)

    @property
    def is_called(self) -> bool:
        """Whether it is being called, on this thread; or is gone, and none is."""
        owner = self._reference()
        return owner is callback_list(owner)

    def leave(self) -> None:
        """Call nobody when it goes away."""
        self._watch.detach()
