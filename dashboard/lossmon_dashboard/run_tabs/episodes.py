"""Where loss and accuracy of a run part ways, kept until an epoch is added."""

from __future__ import annotations

import threading
from functools import lru_cache

from lossmon.analysis import Divergence, explain_divergence
from lossmon.store import Store

_TURNS = threading.Lock()


def explained(store: Store, run: str) -> tuple[Divergence, ...]:
    """Every episode of a run, explained down to the samples it comes from.

    Args:
        store: the database.
        run: the run.
    """
    times = [row["time"] for row in store.epoch_rows(run, columns=("epoch", "split", "time"))]
    # Panels of a page ask at the same time: one works, the others wait for what it finds.
    with _TURNS:
        return _explained(store, run, len(times), max(times, default=0.0))


@lru_cache(maxsize=32)
def _explained(store: Store, run: str, _rows: int, _newest: float) -> tuple[Divergence, ...]:
    """Kept, because the samples of all epochs are read for it and zooming changes nothing."""
    epochs, outputs = store.epoch_rows(run), store.output_rows(run)
    return tuple(explain_divergence(epochs, outputs, store.sample_reader(run)))
