"""Which validation samples stay of a run that is pruned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, select

from lossmon.records import Split
from lossmon.store.reading import best_known, of_run, read_epochs
from lossmon.store.sample_reading import read_sample_epochs
from lossmon.store.schema import samples

_COLUMNS = ("epoch", "loss", "recomputed_loss", "accuracy", "recomputed_accuracy")


def prune_samples(connection: Connection, run_id: str) -> None:
    """Keep the samples of each output's last epoch, and of those of best loss and accuracy."""
    known = select(samples.c.split, samples.c.output).where(samples.c.run_id == run_id).distinct()
    for split, output in connection.execute(known).all():
        there = read_sample_epochs(connection, run_id, split, output)
        kept = {there[-1], *_best(connection, run_id, split, output, set(there))}
        of_output = of_run(samples, run_id, split, output)
        connection.execute(delete(samples).where(of_output, samples.c.epoch.not_in(kept)))


def _best(
    connection: Connection, run_id: str, split: Split, output: str | None, there: set[int]
) -> Iterator[int]:
    read = read_epochs(connection, run_id, split, output, columns=_COLUMNS)
    rows = [row for row in read if row["epoch"] in there]
    for value, sign in (("loss", 1.0), ("accuracy", -1.0)):
        best = min(rows, key=lambda row: _rank(row, value, sign), default=None)
        if best is not None:
            yield best["epoch"]


def _rank(row: Mapping[str, Any], value: str, sign: float) -> float:
    known = best_known(row, value)
    return math.inf if known is None or math.isnan(known) else sign * known
