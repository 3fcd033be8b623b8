"""Runs in plain Python, for the command line and the dashboard: one, or many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lossmon.store.connected import Connected
from lossmon.store.overview import read_document, read_run, read_runs
from lossmon.store.reading import read_findings, read_outputs
from lossmon.store.resolve import resolve_run
from lossmon.store.run_pages import (
    RunGroup,
    RunPage,
    grouped,
    needs_measures,
    read_faulty,
    read_page,
)
from lossmon.store.run_query import Listed, RunQuery, chosen


class StoreRuns(Connected):
    """The part of a `Store` that tells of runs as a whole."""

    def run(self, run: str) -> dict[str, Any]:
        """Return all there is to say of a run, but for its batches: what `lossmon show` prints.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Returns:
            The element of `run_rows`, plus `environment`, `config`, `model`, `verify`,
            `troubles`, `outputs` and, instead of their number, the rows of `epochs`; `withdrawn`,
            findings that were said while training and no longer stood at its end; `batch_size`,
            the samples of the first training batch, None where it is not kept; `stalled`, for
            how many seconds a training run has made no batch, where that is unusually long;
            `begun_anew`, whether its database was removed or replaced in mid-run, so that what
            came before is not in this one; of a
            distributed job, whose rank 0 these are of, `joined_epochs` over all ranks.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_document(connection, resolve_run(connection, run))

    def run_rows(self, *, archived: bool = False) -> list[dict[str, Any]]:
        """Return a summary of each run, the newest first: what `lossmon runs` prints.

        Times are ISO 8601 in UTC. `loss`, `val_loss`, `accuracy` and `val_accuracy` are those of
        the last epoch, recomputed where that is known and Keras' own where not; `best_…` the best
        finite ones. `verified` is the share of the epochs' values that are verified, 0 to 1.
        `sparkline` holds at most 60 values of `loss` and `val_loss`.

        Args:
            archived: whether archived runs are among them.
        """
        with self._reading() as connection:
            return read_runs(connection, archived=archived, remembered=self._known.remembered)

    def run_summary(self, run: str) -> dict[str, Any]:
        """Return the element of `run_rows` of one run.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_run(connection, resolve_run(connection, run))

    def run_page(self, query: RunQuery, start: int = 0, stop: int = 100) -> RunPage:
        """Return some of the runs that a query asks for: what lists of many runs show.

        Args:
            query: which runs, in which order.
            start: the first place in that order.
            stop: the place behind the last.
        """
        with self._reading() as connection:
            found = chosen(
                self._known.listed.runs(connection, measured=needs_measures(query)), query
            )
            wanted = [run["id"] for run in found[start:stop]]
            ranks = self._known.listed.ranks(wanted)
            faulty = self._known.listed.shown_for(read_faulty(connection))
            return read_page(
                connection,
                found,
                wanted,
                ranks,
                faulty,
                remembered=self._known.remembered,
                ends=self._known.ends,
            )

    def run_groups(self, query: RunQuery, by: str) -> list[RunGroup]:
        """Return the runs that a query asks for in groups, the largest first.

        Args:
            query: which runs.
            by: "project", "tags", "setting" (the config but for its seed) or `config.…`.
        """
        with self._reading() as connection:
            return grouped(chosen(self._known.listed.runs(connection, measured=True), query), by)

    def listed_runs(self, query: RunQuery, *, measured: bool = False) -> list[Listed]:
        """Return what the runs that a query asks for are listed by, without their curves.

        Args:
            query: which runs, in which order.
            measured: whether losses and accuracies are read where the query needs none.
        """
        with self._reading() as connection:
            wanted = measured or needs_measures(query)
            return chosen(self._known.listed.runs(connection, measured=wanted), query)

    def config_columns(self) -> list[str]:
        """Return the columns `config.…` by which runs can be listed and grouped."""
        with self._reading() as connection:
            return self._known.listed.settings(connection)

    def has_runs(self) -> bool:
        """Return whether there is any run, archived or not."""
        with self._reading() as connection:
            return bool(self._known.listed.runs(connection, measured=False))

    def run_document(self, run: str) -> dict[str, Any]:
        """Return the same as `run`.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        return self.run(run)

    def output_rows(self, run: str) -> list[dict[str, Any]]:
        """Return the outputs of a run's model, in its order.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_outputs(connection, resolve_run(connection, run))

    def finding_rows(self, run: str) -> list[dict[str, Any]]:
        """Return the findings of a run, the gravest first; of a job, those of all ranks.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_run(connection, resolve_run(connection, run))["findings"]

    def own_findings(self, runs: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the findings of several runs, each its own alone, read in one statement.

        Args:
            runs: their ids.

        Returns:
            By id, the gravest first; nothing of runs without any.
        """
        with self._reading() as connection:
            return read_findings(connection, runs)
