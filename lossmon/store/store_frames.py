"""Runs as data frames: pandas, or polars where pandas is not installed."""

from __future__ import annotations

from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.records import Split
from lossmon.store.connected import Connected
from lossmon.store.frames import FrameColumn, FrameLibrary, frame
from lossmon.store.resolve import resolve_run
from lossmon.store.tables import (
    FrameTable,
    read_batch_table,
    read_columns,
    read_epoch_table,
    read_finding_table,
    read_run_table,
)

_SPLITS = (None, "train", "val")


class StoreFrames(Connected):
    """The part of a `Store` that gives data frames."""

    @staticmethod
    def columns(table: FrameTable) -> list[FrameColumn]:
        """Return name, kind and meaning, with units, of each column of a data frame.

        Args:
            table: "runs", "batches", "epochs" or "findings", as the methods that give them.

        Raises:
            InvalidArgument: there is no such table.
        """
        return read_columns(table)

    def runs(self, *, library: FrameLibrary | None = None) -> Any:
        """Return the table `runs` as a data frame, the newest first, with the present status.

        Times are Unix seconds, `duration` is seconds. Archived runs are among them.

        Args:
            library: "pandas" or "polars"; None for pandas, or polars where pandas is not installed.

        Returns:
            A frame with the columns of `Store.columns("runs")`, whose types are those that
            `lossmon.store.frames` tells, whatever the rows. So for all frames.

        Raises:
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
        with self._reading() as connection:
            return frame(*read_run_table(connection), library)

    def batches(
        self, run: str, split: Split | None = None, *, library: FrameLibrary | None = None
    ) -> Any:
        """Return the batches of a run as a data frame, by step.

        Losses are in the unit of their definition (nats for cross-entropies), accuracies are shares
        from 0 to 1, `seconds` is wall time; `step`, `epoch` and `batch` count from 0. Values that
        were NaN or infinite are that; `nonfinite_kinds` tells NaN from "not known".

        Args:
            run: the run.
            split: "train" or "val"; None for both.
            library: as for `runs`.

        Returns:
            A frame with the columns of `Store.columns("batches")`; no rows where none are recorded.

        Raises:
            RunNotFound: there is no such run.
            InvalidArgument: there is no such split.
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
        _demand_split(split)
        with self._reading() as connection:
            run_id = resolve_run(connection, run)
            return frame(*read_batch_table(connection, run_id, split), library)

    def epochs(
        self, run: str, split: Split | None = None, *, library: FrameLibrary | None = None
    ) -> Any:
        """Return the epochs of a run as a data frame, by epoch, in the units of `batches`.

        Args:
            run: the run.
            split: "train" or "val"; None for both.
            library: as for `runs`.

        Returns:
            A frame with the columns of `Store.columns("epochs")`; no rows where none are recorded.

        Raises:
            RunNotFound: there is no such run.
            InvalidArgument: there is no such split.
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
        _demand_split(split)
        with self._reading() as connection:
            run_id = resolve_run(connection, run)
            return frame(*read_epoch_table(connection, run_id, split), library)

    def findings(self, run: str, *, library: FrameLibrary | None = None) -> Any:
        """Return the findings of a run as a data frame, by code.

        Args:
            run: the run.
            library: as for `runs`.

        Returns:
            A frame with the columns of `Store.columns("findings")`; no rows where nothing was
            found.

        Raises:
            RunNotFound: there is no such run.
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
        with self._reading() as connection:
            run_id = resolve_run(connection, run)
            return frame(*read_finding_table(connection, run_id), library)


def _demand_split(split: str | None) -> None:
    if split not in _SPLITS:
        raise InvalidArgument(
            '`split` must be "train" or "val", or None for both. '
            f"Received: split={split!r}. Fix: leave it out for both."
        )
