"""What lossmon adds to the logs of an epoch, for callbacks that follow it in the list."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lossmon.records import EpochRecord

# Seconds that the training thread waits for the writer at the end of an epoch.
ANSWER_WAIT = 60.0
_ADDED = {
    "recomputed_loss": "loss_recomputed",
    "recomputed_accuracy": "accuracy_recomputed",
    "intended_accuracy": "accuracy_intended",
}


class AwaitedLogs:
    """Carries the records of one epoch from the writer thread to the training thread."""

    def __init__(self) -> None:
        self._records: queue.SimpleQueue[Sequence[EpochRecord]] = queue.SimpleQueue()

    def put(self, records: Sequence[EpochRecord]) -> None:
        """Hand over the records; called by the writer."""
        self._records.put(records)

    def extend(self, logs: dict[str, Any], tell: Callable[[str], None]) -> None:
        """Wait for the records, and add to the logs what was recomputed.

        Args:
            logs: of the epoch.
            tell: told where the records do not come.
        """
        try:
            records = self._records.get(timeout=ANSWER_WAIT)
        except queue.Empty:
            tell(f"nothing was recomputed within {ANSWER_WAIT:.0f} s to extend the logs by.")
        else:
            logs.update(added_logs(records))


def added_logs(records: Iterable[EpochRecord]) -> dict[str, float]:
    """The recomputed and the intended values of an epoch, by the keys that logs have.

    Args:
        records: of one epoch: of the model as a whole, and of its outputs, whose names their keys
            begin with.

    Returns:
        Such as "val_loss_recomputed" or "head_accuracy_intended"; without what is not known.
    """
    added: dict[str, float] = {}
    for record in records:
        prefix = "val_" if record.split == "val" else ""
        prefix += "" if record.output is None else f"{record.output}_"
        for field, key in _ADDED.items():
            if (value := getattr(record, field)) is not None:
                added[prefix + key] = value
    return added
