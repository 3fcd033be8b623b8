"""What lossmon asks of another tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from lossmon.records import Finding


class Shown(NamedTuple):
    """What is shown of one epoch of one split and output.

    Attributes:
        values: by key, such as "lossmon/val_loss".
        epoch: from 0.
        time: when it ended, Unix seconds.
    """

    values: Mapping[str, float]
    epoch: int
    time: float


class Tracker(Protocol):
    """Another program's record of the same training.

    Opened on the training thread; everything else is called on one thread of its own, and may
    raise: that is said once and kept with the run, and the tracker is left alone from then on.

    Attributes:
        name: for messages.
    """

    name: str

    def log(self, shown: Shown) -> None:
        """Show the values of an epoch.

        Args:
            shown: the values, and of which epoch they are.
        """
        ...

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        """Show all findings that stand, gravest first; there may be none any more.

        Args:
            findings: all that stand.
            epoch: from 0.
        """
        ...

    def end(self) -> None:
        """Nothing more comes. What was begun by lossmon is ended, what is the user's goes on."""
        ...


def as_text(findings: Sequence[Finding]) -> str:
    """Findings as lines for people; "none" where none stand."""
    return "\n".join(f"{f.severity} {f.code} {f.rule}: {f.message}" for f in findings) or "none"


def gravest(findings: Sequence[Finding]) -> dict[str, float]:
    """How many findings stand, by severity."""
    return {
        f"lossmon/{severity}s": float(sum(f.severity == severity for f in findings))
        for severity in ("error", "warning")
    }
