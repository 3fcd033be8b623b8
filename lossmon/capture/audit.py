"""Evaluate the training set after each epoch, with the weights held still.

What Keras prints for training is a mean over an epoch in which the weights moved, with dropout on.
Only an evaluation of the same data tells how the model that came out of it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from lossmon.capture.audit_data import AuditData, audit_data
from lossmon.capture.frames import keras_frames, locals_of
from lossmon.capture.held import held
from lossmon.errors import InvalidArgument


class Audit:
    """The evaluations of one `fit`, in whose call this must be made.

    Args:
        model: the model that is being fitted.
        wanted: the `audit_train` of the monitor, not False.
        tell: told once where the training set cannot be audited; training goes on.
    """

    def __init__(self, model: Any, wanted: Any, tell: Callable[[str], None]) -> None:
        self._model = model
        self._tell = tell
        self._data: AuditData | None = None
        try:
            self._data = audit_data(wanted, arguments_of_fit(model))
        except InvalidArgument as error:
            tell(f"the training set is not audited: {error}")

    def values(self) -> dict[str, float]:
        """Evaluate now; the model, its metrics and all random states are left as they were.

        Returns:
            What `evaluate` returns, by the names that Keras prints; empty where it failed, which is
            told once and ends the audits of this `fit`.
        """
        data = self._data
        if data is None:
            return {}
        try:
            with held(self._model, alone=data.alone):
                return self._model.evaluate(
                    data.x,
                    data.y,
                    sample_weight=data.sample_weight,
                    batch_size=data.batch_size,
                    verbose=0,
                    return_dict=True,
                )
        except Exception as error:
            self._data = None
            self._tell(f"the training set is audited no more, `evaluate` failed: {error!r}")
            return {}


def arguments_of_fit(model: Any) -> Mapping[str, Any]:
    """The local names of Keras' `fit` that is training the model; empty where there is none."""
    for frame in keras_frames(inspect.currentframe()):
        if frame.f_code.co_name == "fit" and "epoch_iterator" in frame.f_code.co_varnames:
            names = locals_of(frame)
            if names.get("self") is model:
                return names
    return {}
