"""Commands on the database itself."""

from __future__ import annotations

import csv
import sys
from typing import Any, TextIO

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.cli.words import megabytes, visible
from lossmon.store import EXPORTED, check_database, info, open_store, upgrade, vacuum

# What spreadsheets take for the beginning of a formula, and the sign that says it is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_RESCUE = (
    "lossmon: Fix: copy the file, then `sqlite3 COPY .recover | sqlite3 rescued.db` brings out "
    "what can still be read."
)


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
    store = open_store(db)
    rows = store.export_batches(run)
    if store.run_document(run)["pruned"] is not None:
        click.echo("lossmon: this run was pruned: only its last batches are left", err=True)
    writer = csv.DictWriter(output, fieldnames=EXPORTED, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would calculate gets a `'` before it; numbers stay as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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
    """Where the database is, its schema and its size; exit code 1 where it cannot be used."""
    facts = info(db)
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            click.echo(visible(f"{key.replace('_', ' ')}: {value}"))
    # Says what to do about a schema that is too old, too new or not there.
    open_store(db).close()


@db_group.command(name="check")
@with_db
@with_json
def check_command(db: str | None, as_json: bool) -> None:
    """Look for damage and for rows that are missing; exit code 1 where there is any."""
    problems = check_database(db)
    if as_json:
        print_json({"problems": problems})
    else:
        for line in problems or ["the database is sound"]:
            click.echo(visible(line))
    if any("damaged" in line for line in problems):
        click.echo(_RESCUE, err=True)
    sys.exit(1 if problems else 0)


@db_group.command(name="vacuum")
@with_db
@with_json
def vacuum_command(db: str | None, as_json: bool) -> None:
    """Give the space of deleted runs and pruned batches back to the file system."""
    before, after = vacuum(db)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        click.echo(f"{megabytes(before)} -> {megabytes(after)}")
