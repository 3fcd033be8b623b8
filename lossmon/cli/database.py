"""Commands on the database itself."""

from __future__ import annotations

import sys

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.cli.words import megabytes, visible
from lossmon.store import check_database, info, open_store, upgrade, vacuum

_RESCUE = (
    "lossmon: Fix: copy the file, then `sqlite3 COPY .recover | sqlite3 rescued.db` brings out "
    "what can still be read."
)


@click.group(name="db")
def db_group() -> None:
    """The database's schema."""


@db_group.command(name="upgrade")
@with_db
@with_json
def upgrade_command(db: str | None, as_json: bool) -> None:
    """Bring the database to the schema of this lossmon."""
    before, now = upgrade(db)
    if as_json:
        print_json({"before": before, "now": now})
    elif before == now:
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
