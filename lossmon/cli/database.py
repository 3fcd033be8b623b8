"""Commands on the database itself."""

from __future__ import annotations

import csv
from typing import TextIO

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.store import EXPORTED, info, open_store, upgrade


@click.command()
@click.argument("run")
@with_db
@click.option(
    "--format",
    type=click.Choice(["csv"]),
    default="csv",
    show_default=True,
    expose_value=False,
    help="The only one so far.",
)
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", atomic=True),
    default="-",
    help="File to write; standard output by default.",
)
def export(run: str, db: str | None, output: TextIO) -> None:
    """Every batch of a run, one row each, to standard output or a file."""
    rows = open_store(db).export_batches(run)
    writer = csv.DictWriter(output, fieldnames=EXPORTED, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


@click.command()
@click.argument("run", nargs=-1, required=True)
@with_db
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(run: tuple[str, ...], db: str | None, yes: bool) -> None:
    """Delete runs with all that belongs to them."""
    store = open_store(db)
    ids = list(dict.fromkeys(store.resolve(name) for name in run))
    if not yes:
        names = {row["id"]: row["name"] for row in store.run_rows()}
        chosen = ", ".join(f"{names[run_id]} ({run_id})" for run_id in ids)
        click.confirm(f"Delete {chosen}?", abort=True)
    click.echo(f"deleted {store.delete(ids)} run(s)")


@click.group(name="db")
def db_group() -> None:
    """The database's schema."""


@db_group.command(name="upgrade")
@with_db
def upgrade_command(db: str | None) -> None:
    """Bring the database to the schema of this lossmon."""
    before, now = upgrade(db)
    if before == now:
        click.echo(f"the schema is {now}, as this lossmon expects it")
    else:
        click.echo(f"schema {before or 'none'} -> {now}")


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
        click.echo(f"{key.replace('_', ' ')}: {value}")
