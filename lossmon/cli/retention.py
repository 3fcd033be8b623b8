"""Commands that put runs out of sight, reduce them, or delete them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.cli.selection import Selection, confirmed, selected, with_runs
from lossmon.cli.words import Row, megabytes, visible
from lossmon.errors import StoreError
from lossmon.store import open_store, vacuum

_keep_space = click.option(
    "--keep-space", is_flag=True, help="Do not give the space back: `lossmon db vacuum` can later."
)


@click.command()
@with_runs
@_keep_space
@with_db
@with_json
def rm(
    *,
    run: tuple[str, ...],
    older_than: timedelta | None,
    keep: int | None,
    yes: bool,
    keep_space: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Delete runs with all that belongs to them."""
    store = open_store(db)
    rows = selected(store, Selection(run, older_than, keep))
    deleted = 0
    if confirmed("Delete", rows, yes=yes):
        deleted = store.delete([row["id"] for row in rows])
    store.close()
    space = None if keep_space or not deleted else _give_back(db)
    if as_json:
        print_json({"runs": _named(rows), "deleted": deleted, "space": space})
    else:
        click.echo(f"deleted {deleted} run(s)" + _spared(space))


@click.command()
@with_runs
@_keep_space
@with_db
@with_json
def prune(
    *,
    run: tuple[str, ...],
    older_than: timedelta | None,
    keep: int | None,
    yes: bool,
    keep_space: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Reduce runs to what charts show: batches go, and samples but of the last and best epochs."""
    store = open_store(db)
    rows = selected(store, Selection(run, older_than, keep))
    if not run:
        rows = [row for row in rows if row["pruned"] is None]
    batches = 0
    if confirmed("Delete the batches of", rows, yes=yes):
        batches = sum(store.prune(row["id"]) for row in rows)
    store.close()
    space = None if keep_space or not batches else _give_back(db)
    if as_json:
        print_json({"runs": _named(rows), "batches": batches, "space": space})
    else:
        click.echo(f"deleted {batches:,} batch rows of {len(rows)} run(s)" + _spared(space))


@click.command()
@with_runs
@with_db
@with_json
def archive(
    *,
    run: tuple[str, ...],
    older_than: timedelta | None,
    keep: int | None,
    yes: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Put runs out of sight: `runs`, `latest` and the dashboard's list leave them out."""
    store = open_store(db)
    rows = selected(store, Selection(run, older_than, keep))
    rows = [row for row in rows if row["archived"] is None]
    if run or confirmed("Archive", rows, yes=yes):
        store.archive([row["id"] for row in rows])
    _tell("archived", rows, as_json=as_json)


@click.command()
@click.argument("run", nargs=-1, required=True)
@with_db
@with_json
def unarchive(run: tuple[str, ...], db: str | None, as_json: bool) -> None:
    """Bring archived runs back into sight."""
    store = open_store(db)
    rows = [row for row in selected(store, Selection(run)) if row["archived"] is not None]
    store.archive([row["id"] for row in rows], archived=False)
    _tell("unarchived", rows, as_json=as_json)


def _tell(done: str, rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        print_json({"runs": _named(rows)})
    else:
        click.echo(f"{done} {len(rows)} run(s)")


def _named(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"id": row["id"], "name": row["name"]} for row in rows]


def _give_back(db: str | None) -> dict[str, int] | None:
    """Give the space back; None, with a message, where that has to wait."""
    try:
        before, after = vacuum(db)
    except StoreError as error:
        click.echo(visible(f"lossmon: the space is not given back yet: {error}"), err=True)
        return None
    return {"before": before, "after": after}


def _spared(space: dict[str, int] | None) -> str:
    if space is None:
        return ""
    return f"; {megabytes(space['before'])} -> {megabytes(space['after'])}"
