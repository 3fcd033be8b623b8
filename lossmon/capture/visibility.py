"""Whether labels and predictions come out of the steps of a `fit`, and why they do not."""

from __future__ import annotations

from typing import Any

from lossmon.capture.carrier import Carrier
from lossmon.capture.first_look import why_replicas_hide
from lossmon.capture.override import override
from lossmon.capture.verify import OFF


class Visibility:
    """What can be seen of a model's steps.

    Args:
        model: the model that is being fitted.
        verify: what the user asked for.

    Attributes:
        hidden: why its steps cannot be looked into, None where they can; set as it is found out.
        override: which of its methods replaces the compiled loss, None if none does.
    """

    def __init__(self, model: Any, verify: str) -> None:
        self._model = model
        self._verify = verify
        self.hidden = why_replicas_hide(model)
        self.override = override(model)

    def make_carrier(self) -> Carrier:
        """Make what gathers in the steps what can be seen of them."""
        return Carrier(
            self._model,
            tensors=self._verify != "off",
            override=self.override is not None,
            silent=self.hidden is not None,
            always=self._verify == "full",
        )

    @property
    def has_own_step(self) -> bool:
        """Whether what becomes of a batch is decided in a method of the model's own."""
        return self.override is not None

    @property
    def is_whole(self) -> bool:
        """Whether labels and predictions come out, and the loss is the compiled one."""
        return self.hidden is None and self.override is None and self._verify != "off"

    def why_unseen(self) -> str | None:
        """Why no predictions come out of the steps; None where they do."""
        if self.hidden is not None:
            return self.hidden
        return OFF if self._verify == "off" else None
