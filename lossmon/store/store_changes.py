"""What people change about runs: names, notes, tags, what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.store.connected import Connected
from lossmon.store.edits import archive_runs, delete_runs, edit_run, put_values
from lossmon.store.maintenance import prune_run
from lossmon.store.names import demand_short

_EDITABLE = frozenset(("name", "notes", "tags", "archived"))


class StoreChanges(Connected):
    """The part of a `Store` that changes something, by connections of its own."""

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
