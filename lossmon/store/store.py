"""The reading side: what was recorded, for people, the command line and the dashboard."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import EllipsisType
from typing import Any

from sqlalchemy import URL, Connection

from lossmon.errors import InvalidArgument
from lossmon.records import SampleRecord, Split
from lossmon.store.edits import archive_runs, delete_runs, edit_run, put_values
from lossmon.store.ends import RememberedEnds
from lossmon.store.engine import (
    database_url,
    demand_database,
    describe,
    explained,
    file_identity,
    open_engine,
)
from lossmon.store.frames import FrameColumn, FrameLibrary, frame
from lossmon.store.gathering import Remembered
from lossmon.store.maintenance import prune_run
from lossmon.store.names import demand_short
from lossmon.store.overview import read_document, read_run, read_runs
from lossmon.store.ranks import read_parts
from lossmon.store.reading import read_epochs, read_outputs
from lossmon.store.resolve import resolve_run
from lossmon.store.revision import read_recording, read_revision
from lossmon.store.run_list import RunList
from lossmon.store.run_pages import (
    RunGroup,
    RunPage,
    grouped,
    needs_measures,
    read_faulty,
    read_page,
)
from lossmon.store.run_query import Listed, RunQuery, chosen
from lossmon.store.sample_reading import read_sample_epochs, read_samples
from lossmon.store.series import BatchSeries, read_series
from lossmon.store.spans import Spans, read_spans
from lossmon.store.tables import (
    FrameTable,
    export_rows,
    read_batch_table,
    read_columns,
    read_epoch_table,
    read_finding_table,
    read_run_table,
)
from lossmon.store.upgrade import demand_current

_EDITABLE = frozenset(("name", "notes", "tags", "archived"))


def open_store(db: str | os.PathLike[str] | None = None) -> Store:
    """Open a database for reading.

    Args:
        db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` in the working
            directory.

    Raises:
        InvalidArgument: `db` names no database.
        SchemaOutdated: the database was written by an older lossmon.
        SchemaTooNew: it was written by a newer lossmon.
        StoreError: there is none, or it cannot be read.
    """
    return Store(database_url(db))


class Store:
    """The runs of one database.

    A `run` is named by its id, a unique prefix of that, its name (the newest run of that name), or
    "latest"; every method that takes one raises `RunNotFound` where that fails.

    **Thread safety**: a store may be used by several threads at once.

    **Consistency**: each call reads one state of the database, through connections that cannot
    write; the methods that change something open another for as long as they take.

    **Ranks**: the processes of a distributed job are one run, that of rank 0, whose "ranks" tell of
    all; the others can be named by their ids. What is done to it is done to all of them.

    **Liveness**: a run whose process is gone is shown as "interrupted", see
    `lossmon.store.liveness`.

    Args:
        url: of the database; `open_store` takes a path as well.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = open_engine(url, read_only=True)
        # A server has none, but is looked at once all the same.
        self._file: tuple[int, int] | EllipsisType | None = ...
        self._remembered = Remembered()
        self._list = RunList()
        self._ends = RememberedEnds()
        weakref.finalize(self, self._engine.dispose)
        with self._reading():
            pass

    @property
    def database(self) -> str:
        """The path of the database, or its URL without the password."""
        return describe(self._url)

    # --- data frames: pandas, or polars where pandas is not installed ---

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
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
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
            MissingExtra: neither package is installed, or not the one that was asked for.
        """
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

    # --- plain Python, for the command line and the dashboard ---

    def resolve(self, run: str) -> str:
        """Return the id of a run.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Returns:
            Twelve hexadecimal characters.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return resolve_run(connection, run)

    def run(self, run: str) -> dict[str, Any]:
        """Return all there is to say of a run, but for its batches: what `lossmon show` prints.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Returns:
            The element of `run_rows`, plus `environment`, `config`, `model`, `verify`,
            `troubles`, `outputs` and, instead of their number, the rows of `epochs`; `stalled`, for
            how many seconds a training run has made no batch, where that is unusually long; of a
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
            return read_runs(connection, archived=archived, remembered=self._remembered)

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
            found = chosen(self._list.runs(connection, measured=needs_measures(query)), query)
            wanted = [run["id"] for run in found[start:stop]]
            ranks = self._list.ranks(wanted)
            faulty = self._list.shown_for(read_faulty(connection))
            return read_page(
                connection,
                found,
                wanted,
                ranks,
                faulty,
                remembered=self._remembered,
                ends=self._ends,
            )

    def run_groups(self, query: RunQuery, by: str) -> list[RunGroup]:
        """Return the runs that a query asks for in groups, the largest first.

        Args:
            query: which runs.
            by: "project", "tags", "setting" (the config but for its seed) or `config.…`.
        """
        with self._reading() as connection:
            return grouped(chosen(self._list.runs(connection, measured=True), query), by)

    def listed_runs(self, query: RunQuery, *, measured: bool = False) -> list[Listed]:
        """Return what the runs that a query asks for are listed by, without their curves.

        Args:
            query: which runs, in which order.
            measured: whether losses and accuracies are read where the query needs none.
        """
        with self._reading() as connection:
            wanted = measured or needs_measures(query)
            return chosen(self._list.runs(connection, measured=wanted), query)

    def config_columns(self) -> list[str]:
        """Return the columns `config.…` by which runs can be listed and grouped."""
        with self._reading() as connection:
            return self._list.settings(connection)

    def has_runs(self) -> bool:
        """Return whether there is any run, archived or not."""
        with self._reading() as connection:
            return bool(self._list.runs(connection, measured=False))

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

    def epoch_rows(
        self,
        run: str,
        split: Split | None = None,
        output: str | EllipsisType | None = ...,
        columns: Sequence[str] | None = None,
        step_range: tuple[int, int] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the epochs of a run with the fields of `EpochRecord`.

        Args:
            run: the run.
            split: "train" or "val"; None for both.
            output: an output's name; None for the model as a whole; `...` for all.
            columns: only these fields; None for all.
            step_range: only those that end from the first to the last of these steps, and one more
                on each side; None for all.
        """
        with self._reading() as connection:
            return read_epochs(
                connection,
                resolve_run(connection, run),
                split,
                output,
                columns=columns,
                step_range=step_range,
            )

    def finding_rows(self, run: str) -> list[dict[str, Any]]:
        """Return the findings of a run, the gravest first; of a job, those of all ranks.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_run(connection, resolve_run(connection, run))["findings"]

    def batch_series(
        self,
        run: str,
        columns: Sequence[str],
        *,
        split: Split,
        output: str | None = None,
        max_points: int = 2000,
        step_range: tuple[int, int] | None = None,
    ) -> BatchSeries:
        """Return numeric columns of the batches in at most `max_points` points.

        Where there are more, the run is cut into spans, and of each those rows stay that hold an
        extreme or the first non-finite value of a column, and the last one. A long run is read from
        its summaries, however long it is.

        Args:
            run: the run.
            columns: numeric columns of the table `batches`.
            split: "train" or "val".
            output: an output's name; None for the model as a whole.
            max_points: the most points to return.
            step_range: the first and last step wanted, both included.

        Returns:
            Arrays of one length: "step", "epoch", "batch" (int64) and each of the columns, a
            masked float64 array: masked where a value is not known, NaN or infinite where it was.
            In a long span a batch that is an extreme of one column may be masked in the others.

        Raises:
            InvalidArgument: a column is not one of the numeric columns.
        """
        with self._reading() as connection:
            return read_series(
                connection,
                resolve_run(connection, run),
                columns,
                split=split,
                output=output,
                max_points=max_points,
                step_range=step_range,
            )

    def batch_spans(
        self,
        run: str,
        columns: Sequence[str],
        *,
        split: Split,
        output: str | None = None,
        most: int = 2000,
        step_range: tuple[int, int] | None = None,
        since: int | None = None,
    ) -> dict[str, Spans]:
        """Return numeric columns of the batches as mean, least and greatest value of spans.

        Where there are no more batches than `most`, each span is one. The extremes are those of the
        batches, however long a span is; a long run is read from its summaries.

        Args:
            run: the run.
            columns: numeric columns of the table `batches`.
            split: "train" or "val".
            output: an output's name; None for the model as a whole.
            most: so many spans; of summaries there may be some hundreds more at the ends.
            step_range: the first and last step wanted, both included.
            since: of all these spans only those that begin at this step or later: what is new where
                spans before it are `settled`. As many rows are read as there are such.

        Returns:
            Of each column the spans in which it is known.

        Raises:
            InvalidArgument: a column is not one of the numeric columns.
        """
        with self._reading() as connection:
            return read_spans(
                connection,
                resolve_run(connection, run),
                columns,
                split=split,
                output=output,
                most=most,
                step_range=step_range,
                since=since,
            )

    def sample_epochs(
        self, run: str, *, output: str | None = None, split: Split = "val"
    ) -> list[int]:
        """Return the epochs whose validation samples were recorded one by one, ascending.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".
            output: an output's name; None for the only one, or the model as a whole.
            split: "train" or "val".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            return read_sample_epochs(connection, resolve_run(connection, run), split, output)

    def samples(
        self,
        run: str,
        epoch: int | None = None,
        *,
        output: str | None = None,
        split: Split = "val",
    ) -> SampleRecord | None:
        """Return the validation samples of one epoch, one by one.

        Args:
            run: the run.
            epoch: from 0; None for the last one that has them.
            output: an output's name; None for the only one.
            split: "val".

        Returns:
            None where they were not recorded: see `samples` of `lossmon.Monitor`.
        """
        with self._reading() as connection:
            run_id = resolve_run(connection, run)
            known = read_sample_epochs(connection, run_id, split, output)
            wanted = known[-1:] if epoch is None else [epoch]
            found = read_samples(connection, run_id, wanted, split, output)
            return found[0] if found else None

    def sample_records(
        self,
        run: str,
        epochs: Sequence[int] | None = None,
        *,
        output: str | None = None,
        split: Split = "val",
    ) -> list[SampleRecord]:
        """Return the validation samples of some epochs, or of all that have them, ascending.

        Records of the same samples share one `SampleSet`.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".
            epochs: from 0; None for all that have samples.
            output: an output's name; None for the only one, or the model as a whole.
            split: "train" or "val".

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            run_id = resolve_run(connection, run)
            return read_samples(connection, run_id, epochs, split, output)

    def sample_reader(
        self, run: str
    ) -> Callable[[str | None, Sequence[int]], Sequence[SampleRecord]]:
        """Return what `lossmon.analysis.explain_divergence` reads the samples of a run by.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        run_id = self.resolve(run)

        def read(output: str | None, epochs: Sequence[int]) -> Sequence[SampleRecord]:
            return self.sample_records(run_id, epochs, output=output)

        return read

    def export_batches(self, run: str) -> Iterator[dict[str, Any]]:
        """Yield every batch of a run, in the order of training.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".

        Raises:
            RunNotFound: there is no such run.
        """
        run_id = self.resolve(run)

        def rows() -> Iterator[dict[str, Any]]:
            with self._reading() as connection:
                yield from export_rows(connection, run_id)

        return rows()

    def revision(self, run: str | None = None) -> str:
        """Return a token that changes when there is something new to show, of a run or of all.

        Args:
            run: the run; None for all.

        Returns:
            A text that means nothing by itself.

        Raises:
            RunNotFound: there is no such run.
        """
        with self._reading() as connection:
            run_id = None if run is None else resolve_run(connection, run)
            return read_revision(connection, run_id)

    def running(self) -> int:
        """Return how many runs are being recorded."""
        with self._reading() as connection:
            return len(read_recording(connection))

    # --- changes ---

    def archive(self, runs: Sequence[str], *, archived: bool = True) -> int:
        """Put runs out of sight of `run_rows` and `latest`, or back; nothing of them is lost.

        Args:
            runs: the runs, each named as everywhere.
            archived: False to bring them back.

        Returns:
            Of how many runs that changed something.

        Raises:
            RunNotFound: there is no such run.
        """
        named = [self.resolve(run) for run in runs]
        archive_runs(self._url, self._parts(named), archived=archived)
        return archive_runs(self._url, named, archived=archived)

    def delete(self, runs: Sequence[str]) -> int:
        """Delete runs with all that was recorded of them; `vacuum` gives the space back.

        Args:
            runs: the runs, each named as everywhere.

        Returns:
            How many runs were deleted.

        Raises:
            RunNotFound: there is no such run.
        """
        named = [self.resolve(run) for run in runs]
        delete_runs(self._url, self._parts(named))
        return delete_runs(self._url, named)

    def prune(self, run: str, keep: str = "summaries") -> int:
        """Delete the batches of a run that has ended, keeping summaries, epochs and findings.

        Charts go on showing its course and its extremes. Of validation samples those of the last
        epoch stay, and those of the epochs of best loss and of best accuracy. `vacuum` gives the
        space back.

        Args:
            run: the run.
            keep: what stays instead of the batches: "summaries".

        Returns:
            How many batch rows were deleted.

        Raises:
            InvalidArgument: `keep` is something else, or the run is being recorded.
        """
        run_id = self.resolve(run)
        ranks = [run_id, *self._parts([run_id])]
        return sum(prune_run(self._url, rank, keep) for rank in ranks)

    def change(self, values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Set what people say of runs, all or none of it.

        Args:
            values: by run some of "name", "notes", "tags" and "archived" (whether it is).

        Returns:
            The same as it was before, by the ids of the runs: what undoes it.

        Raises:
            InvalidArgument: a name is blank, or something else is to be set.
        """
        named = {self.resolve(run): dict(wanted) for run, wanted in values.items()}
        for run_id, wanted in list(named.items()):
            _demand_editable(run_id, wanted)
            if "archived" in wanted:
                archived = {"archived": wanted["archived"]}
                named |= dict.fromkeys(self._parts([run_id]), archived)
        return put_values(self._url, named)

    def rename(self, run: str, name: str) -> None:
        """Give a run another name.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".
            name: the new name, which need not be unique.

        Raises:
            InvalidArgument: it is blank, or longer than every database takes.
            RunNotFound: there is no such run.
        """
        self.change({run: {"name": name}})

    def set_notes(self, run: str, notes: str | None) -> None:
        """Replace the notes of a run; None removes them.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".
            notes: free text; None for none.

        Raises:
            RunNotFound: there is no such run.
        """
        edit_run(self._url, self.resolve(run), notes=notes)

    def set_tags(self, run: str, tags: Sequence[str]) -> None:
        """Replace the tags of a run.

        Args:
            run: the run: its id, a unique prefix of that, its name, or "latest".
            tags: all that it is to have.

        Raises:
            RunNotFound: there is no such run.
        """
        edit_run(self._url, self.resolve(run), tags=list(tags))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _parts(self, run_ids: Sequence[str]) -> list[str]:
        """The other ranks of jobs, which share what becomes of their rank 0."""
        with self._reading() as connection:
            return [part for run_id in run_ids for part in read_parts(connection, run_id)]

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        with explained(self._url):
            demand_database(self._url)
            self._follow_file()
            with self._engine.connect() as connection:
                yield connection

    def _follow_file(self) -> None:
        # A connection that is kept would go on reading a file that was removed or replaced.
        present = file_identity(self._url)
        if present == self._file:
            return
        self._engine.dispose()
        with self._engine.connect() as connection:
            demand_current(connection, self.database)
        self._remembered = Remembered()
        self._list = RunList()
        self._ends = RememberedEnds()
        self._file = present


def _demand_editable(run: str, wanted: Mapping[str, Any]) -> None:
    odd = wanted.keys() - _EDITABLE
    if odd:
        raise InvalidArgument(
            f"expected name, notes, tags or archived to be set. Received: {sorted(odd)}. "
            "Fix: leave out the others."
        )
    name = wanted.get("name", run)
    if not name.strip():
        raise InvalidArgument(
            f"expected a name for run {run!r}. Received: {name!r}. Fix: give it a visible one."
        )
    demand_short(name)
