"""Commands on the database itself."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.store import info, open_store, upgrade


@click.command()
@click.argument("run")
@with_db
@click.option("--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False))
def export(run: str, db: str | None, form: str, output: Path | None) -> None:
    """Every batch of a run, one row each, to standard output or a file."""
    assert form == "csv"
    rows = open_store(db).export_batches(run)
    if output is None:
        _write_csv(rows, sys.stdout)
        return
    with output.open("w", newline="", encoding="utf-8") as stream:
        _write_csv(rows, stream)


def _write_csv(rows: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(stream, fieldnames=list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)


@click.command()
@click.argument("run", nargs=-1, required=True)
@with_db
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(run: tuple[str, ...], db: str | None, yes: bool) -> None:
    """Delete runs with all that belongs to them."""
    store = open_store(db)
    ids = [store.resolve(name) for name in run]
    if not yes:
        click.confirm(f"Delete {', '.join(run)}?", abort=True)
    click.echo(f"deleted {store.delete(ids)} run(s)")


@click.group(name="db")
def db_group() -> None:
    """The database's schema."""


@db_group.command(name="upgrade")
@with_db
def upgrade_command(db: str | None) -> None:
    """Bring the database to the schema of this lossmon."""
    click.echo(upgrade(db))


@db_group.command(name="info")
@with_db
@with_json
def info_command(db: str | None, as_json: bool) -> None:
    """Where the database is, its schema and its size."""
    facts = info(db)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        click.echo(f"{key}: {value}")
