"""Which run a `fit` is recorded as: one of its own, a rank's of a job, or one that is resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lossmon.capture.options import Options
from lossmon.capture.ranks import Rank, rank_of_fit
from lossmon.capture.resumption import Resumption
from lossmon.capture.run_record import run_record
from lossmon.errors import CannotResume
from lossmon.records import OutputRecord
from lossmon.store import RunHeader, new_run_id


class RunIdentity:
    """The run that a `fit` is recorded as.

    Args:
        params: what Keras tells callbacks of the `fit` (`epochs`, `steps`).

    Attributes:
        run_id: its id.
        model: the description of the model; empty before it is known.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.run_id = new_run_id()
        self.model: Mapping[str, Any] = {}
        self._params = params
        self._rank: Rank | None = None
        self._resumption: Resumption | None = None
        self._started, self._clock = time.time(), time.monotonic()

    @property
    def others_speak(self) -> bool:
        """Whether the findings are another process's to tell."""
        return self._rank is not None and self._rank.rank > 0

    def find_rank(self, tell: Callable[[str], None]) -> None:
        """Find out which rank of a distributed job the `fit` is, if it is of one."""
        try:
            self._rank = rank_of_fit()
        except Exception as error:
            tell(f"recorded as a run of its own, not as a rank of a job: {error}")

    def find_resumed(
        self, options: Options, model: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        """Find the run that the `fit` goes on with; see `Resumption`, also for what it raises."""
        rank = 0 if self._rank is None else self._rank.rank
        self._resumption = Resumption(options, model, tell, rank=rank)
        self.run_id = self._resumption.run_id or self.run_id

    def check_epoch(self, epoch: int) -> None:
        """Raise `CannotResume`, once, where to begin with this epoch would replace a whole run."""
        if self._resumption is None:
            return
        try:
            self._resumption.check_epoch(epoch)
        except CannotResume:
            self._resumption = None
            raise

    def header(
        self, options: Options, outputs: list[OutputRecord], *, epoch: int
    ) -> tuple[int, RunHeader]:
        """Describe the run that begins here, or goes on.

        Args:
            options: what the user asked for.
            outputs: of its model.
            epoch: what is recorded of it and of later ones is replaced where the run goes on.

        Returns:
            The number of the first step, and what the run's writer must know.
        """
        run = run_record(
            options,
            self.run_id,
            started=self._started,
            params=self._params,
            model=self.model,
            rank=self._rank,
        )
        step, header = 0, None
        if self._resumption is not None:
            step, header = self._resumption.take_over(epoch, run, outputs)
        if header is None:
            # Also where the run could not be resumed after all.
            self.run_id = run.id = new_run_id() if self._resumption is not None else self.run_id
            header = RunHeader(options.db, run, outputs)
        header.seconds += time.monotonic() - self._clock
        return step, header
