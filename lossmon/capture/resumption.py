"""Go on with an earlier run, where `resume` asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lossmon.capture.options import Options
from lossmon.errors import CannotResume, RunNotFound, StoreError
from lossmon.records import OutputRecord, RunRecord
from lossmon.store import Resumable, RunHeader, find_resumable


class Resumption:
    """The run that a `fit` goes on with.

    Where the database cannot be asked, training goes on as a run of its own, which is said. So it
    does under `resume="auto"` where an earlier run cannot be gone on with; nothing is said where
    there is none, or one that has finished.

    Args:
        options: the monitor's, with the run that is meant.
        model: the description of the model.
        tell: told what the user must hear.
        rank: which rank of a distributed job goes on; a rank that the run did not have is recorded
            as a run of its own.

    Raises:
        RunNotFound: there is no such run, and `resume=True`.
        CannotResume: it is still running, or is of another model, likewise.
    """

    def __init__(
        self,
        options: Options,
        model: Mapping[str, Any],
        tell: Callable[[str], None],
        *,
        rank: int = 0,
    ) -> None:
        self._options = options
        self._tell = tell
        self._found: Resumable | None = None
        self._demanded = options.resume != "auto"
        try:
            self._found = find_resumable(options.db, options.run or "", model, rank=rank)
        except RunNotFound as error:
            if self._demanded and not rank:
                raise
            if self._demanded:
                self._give_up(error)
        except CannotResume as error:
            if self._demanded:
                raise
            self._give_up(error)
        except StoreError as error:
            self._give_up(error)

    @property
    def run_id(self) -> str | None:
        """Id of the run; None where it could not be found out."""
        return None if self._found is None else self._found.run_id

    def check_epoch(self, epoch: int) -> None:
        """Raise `CannotResume` where to begin with this epoch would replace the whole run."""
        if self._found is None:
            return
        try:
            self._found.check_epoch(epoch)
        except CannotResume as error:
            if self._demanded:
                raise
            if not self._found.finished:
                self._give_up(error)
            self._found = None

    def take_over(
        self, epoch: int, run: RunRecord, outputs: list[OutputRecord]
    ) -> tuple[int, RunHeader | None]:
        """Replace what was recorded from an epoch on.

        Returns:
            The number of the first step, and what the run's writer must know; 0 and None where it
            must be recorded as a run of its own.
        """
        if self._found is None:
            return 0, None
        try:
            step, resumed = self._found.take_over(epoch, run)
        except StoreError as error:
            self._give_up(error)
            return 0, None
        return step, self._found.header(self._options.db, resumed, outputs)

    def _give_up(self, error: StoreError) -> None:
        self._tell(f"run {self._options.run!r} is not resumed, but recorded as another: {error}")
