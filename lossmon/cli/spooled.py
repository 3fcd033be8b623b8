"""Records that wait on this machine for a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from lossmon.cli.options import print_json, with_json
from lossmon.cli.words import visible
from lossmon.store import Synced
from lossmon.store import sync as deliver


@click.command()
@click.argument("run", required=False)
@click.option(
    "--db",
    metavar="URL_OR_PATH",
    help="Only what was meant for this database, given with its password where it needs one.",
)
@click.option("--to", metavar="URL_OR_PATH", help="Deliver it to this database instead.")
@with_json
def sync(run: str | None, db: str | None, to: str | None, as_json: bool) -> None:
    """Deliver what was recorded while the database was away, of all runs or of one."""
    found = deliver(db, to=to, run=run)
    if as_json:
        print_json([{**asdict(one), "path": str(one.path)} for one in found])
    else:
        _print(found)
    if any(one.problem for one in found):
        raise SystemExit(1)


def _print(found: Sequence[Synced]) -> None:
    if not found:
        click.echo("nothing waits")
    for one in found:
        run = one.path.name if one.run_id is None else f"{one.name} ({one.run_id})"
        told = f"{run}: {one.batches} batches and {one.epochs} epochs delivered"
        if one.superseded:
            told += f", {one.superseded} batches left out that were replaced when it was resumed"
        rest = f"; the rest waits: {one.problem}" if one.problem else ""
        click.echo(visible(told + rest))
