"""Validation samples of a run, one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lossmon.records import SampleRecord, Split
from lossmon.store.connected import Connected
from lossmon.store.resolve import resolve_run
from lossmon.store.sample_reading import read_sample_epochs, read_samples


class StoreSamples(Connected):
    """The part of a `Store` that gives samples."""

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
