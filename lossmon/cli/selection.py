"""Which runs a command is about: those that are named, or those that are old enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from lossmon.cli.words import Row, visible
from lossmon.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_NAMED = 10

# A generic only in newer versions of click.
if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType


class Age(_ParamType):
    """A span of time: `12h`, `30d`, `8w`."""

    name = "age"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Read a span of time."""
        found = re.fullmatch(r"(\d{1,5})([hdw])", str(value), flags=re.ASCII)
        if found is None:
            self.fail(
                f"expected an age such as 12h, 30d or 8w. Received: {visible(value)!r}.", param, ctx
            )
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Selection(NamedTuple):
    """What was said of the runs.

    Attributes:
        names: the runs themselves.
        older_than: of those that have ended, the ones that began longer ago.
        keep: of those that have ended, all but so many of the newest.
    """

    names: tuple[str, ...]
    older_than: timedelta | None = None
    keep: int | None = None


def with_runs(command: Command) -> Command:
    """`RUN…`, or `--older-than` and `--keep`, and `--yes`."""
    for decorate in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--keep",
            type=click.IntRange(0),
            metavar="N",
            help="All but the newest N, instead of naming runs.",
        ),
        click.option(
            "--older-than",
            type=Age(),
            metavar="AGE",
            help="All that began longer ago than 12h, 30d or 8w, instead of naming runs.",
        ),
        click.argument("run", nargs=-1),
    ):
        command = decorate(command)
    return command


def selected(store: Store, selection: Selection) -> list[Row]:
    """The rows of the runs that are meant, the newest first.

    Raises:
        UsageError: runs are named and described at once, or neither.
        RunNotFound: a name is that of no run.
    """
    described = selection.older_than is not None or selection.keep is not None
    if described == bool(selection.names):
        raise click.UsageError(
            "expected the names of runs, or --older-than AGE and/or --keep N. "
            f"Received: {'both' if described else 'neither'}."
        )
    rows = store.run_rows(archived=True)
    if described:
        return _described(rows, selection)
    ids = {store.resolve(name) for name in selection.names}
    return [row for row in rows if row["id"] in ids]


def _described(rows: Sequence[Row], selection: Selection) -> list[Row]:
    ended = [row for row in rows if row["status"] != "running"][selection.keep or 0 :]
    if selection.older_than is None:
        return ended
    since = datetime.now(UTC) - selection.older_than
    return [row for row in ended if datetime.fromisoformat(row["started"]) < since]


def confirmed(verb: str, rows: Sequence[Row], *, yes: bool) -> bool:
    """Ask whether to go on, unless there is nothing to ask about.

    Raises:
        Abort: the answer is no.
    """
    if rows and not yes:
        named = [f"{row['name']} ({row['id']})" for row in rows[:_NAMED]]
        more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
        click.confirm(visible(f"{verb} {', '.join(named)}{more}?"), abort=True, err=True)
    return bool(rows)
