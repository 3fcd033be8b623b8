"""Where loss and accuracy of a run part ways, kept until an epoch is added."""

from __future__ import annotations

from functools import lru_cache

from lossmon.analysis import Divergence, explain_divergence
from lossmon.store import Store


def explained(store: Store, run: str) -> tuple[Divergence, ...]:
    """Every episode of a run, explained down to the samples it comes from.

    Args:
        store: the database.
        run: the run.
    """
    times = [row["time"] for row in store.epoch_rows(run, columns=("epoch", "split", "time"))]
    return _explained(store, run, len(times), max(times, default=0.0))


@lru_cache(maxsize=32)
def _explained(store: Store, run: str, _rows: int, _newest: float) -> tuple[Divergence, ...]:
    """Kept, because the samples of all epochs are read for it and zooming changes nothing."""
    epochs, outputs = store.epoch_rows(run), store.output_rows(run)
    return tuple(explain_divergence(epochs, outputs, store.sample_reader(run)))
