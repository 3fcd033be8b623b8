"""What a tab is told when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class OpenedRun(NamedTuple):
    """The run whose page stands.

    Attributes:
        id: the run.
        outputs: what is known of its model's outputs.
        query: what its address says of the view.
    """

    id: str
    outputs: Sequence[Mapping[str, Any]]
    query: Mapping[str, str]

    @property
    def output(self) -> str | None:
        """The output that is looked at; None for the model as a whole."""
        return self.query.get("output") or None
