"""The course of a run: its epochs and its batches, in as few points as are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import EllipsisType
from typing import Any

from lossmon.records import Split
from lossmon.store.connected import Connected
from lossmon.store.reading import read_epochs, read_late_epochs
from lossmon.store.series import BatchSeries, read_series
from lossmon.store.spans import Spans, read_spans
from lossmon.store.tables import export_rows


class StoreCurves(Connected):
    """The part of a `Store` that gives curves."""

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
                self._named(connection, run),
                split,
                output,
                columns=columns,
                step_range=step_range,
            )

    def late_epochs(
        self, since: Mapping[str, int], columns: Sequence[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the last epochs of several runs, read in one statement.

        Args:
            since: by the id of each run the first epoch that is wanted.
            columns: the fields of `EpochRecord` that are.
        """
        with self._reading() as connection:
            return read_late_epochs(connection, since, columns)

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
                self._named(connection, run),
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
        before: int | None = None,
    ) -> dict[str, Spans]:
        """Return numeric columns of the batches as mean, least and greatest value of spans.

        Where there are no more batches than `most`, each span is one. The extremes are those of the
        batches, however long a span is; a long run is read from its summaries.

        Args:
            run: the run.
            columns: numeric columns of the table `batches`.
            split: "train" or "val".
            output: an output's name; None for the model as a whole.
            most: so many spans at most; of summaries there may be some hundreds more at the ends.
                Spans grow in length each time that there are twice as many batches.
            step_range: the first and last step wanted, both included.
            since: of all these spans only those that begin at this step or later: what is new where
                spans before it are `settled`. As many rows are read as there are such.
            before: how many batches those are made of, as `Spans.before` told; None where that is
                not known, and has to be asked.

        Returns:
            Of each column the spans in which it is known.

        Raises:
            InvalidArgument: a column is not one of the numeric columns.
        """
        with self._reading() as connection:
            return read_spans(
                connection,
                self._named(connection, run),
                columns,
                split=split,
                output=output,
                most=most,
                step_range=step_range,
                since=since,
                before=before,
            )

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
