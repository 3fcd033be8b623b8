"""Commands by which runs come from other programs and go to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.cli.words import visible
from lossmon.errors import InvalidArgument
from lossmon.exchange import imported_runs, store_run, write_csv, write_events, write_parquet
from lossmon.exchange.incoming import KINDS
from lossmon.store import EXPORTED, EXPORTED_EPOCHS, open_store

if TYPE_CHECKING:
    from lossmon.store import Store

_HELD = {"tensorboard": "batches"}


@click.command()
@click.argument("run")
@with_db
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "tensorboard"]),
    default="csv",
    show_default=True,
    help="CSV, Parquet, or a folder of event files for TensorBoard.",
)
@click.option(
    "--table",
    type=click.Choice(["batches", "epochs"]),
    default="batches",
    show_default=True,
    help="What CSV and Parquet hold; event files hold both.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(allow_dash=True, path_type=Path),
    default="-",
    help="File or folder to write; standard output by default, for CSV alone.",
)
def export(run: str, db: str | None, *, form: str, table: str, output: Path) -> None:
    """A run for other programs: every batch or epoch, one row each, or event files."""
    store = open_store(db)
    run = store.resolve(run)
    if store.run_document(run)["pruned"] is not None and (
        form == "tensorboard" or table == "batches"
    ):
        click.echo("lossmon: this run was pruned: only its last batches are left", err=True)
    if str(output) == "-" and form != "csv":
        raise InvalidArgument(
            f"expected a place to write {form} to. Received: standard output. Fix: --output PATH"
        )
    try:
        if form == "tensorboard":
            epochs, batches = store.epoch_rows(run), store.export_batches(run)
            write_events(epochs, batches, store.finding_rows(run), output)
        else:
            _write_table(store, run, form, table, output)
    except OSError as error:
        if str(output) == "-":
            raise
        raise InvalidArgument(
            f"expected a place that can be written. Received: {output} ({error.strerror}). "
            "Fix: --output PATH in a directory that is there"
        ) from error


def _write_table(store: Store, run: str, form: str, table: str, output: Path) -> None:
    batches = table == "batches"
    columns = EXPORTED if batches else EXPORTED_EPOCHS
    rows = store.export_batches(run) if batches else iter(store.epoch_rows(run))
    if form == "parquet":
        write_parquet(rows, columns, output)
    else:
        with click.open_file(str(output), "w", encoding="utf-8", atomic=str(output) != "-") as file:
            write_csv(rows, columns, file)


@click.command(name="import")
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--from",
    "kind",
    type=click.Choice(KINDS),
    help="What the source is, where it is not recognised.",
)
@click.option("--project", help="Project of the imported runs, in place of their own.")
@click.option("--tag", "tags", multiple=True, help="A further tag; they all bear `imported`.")
@with_db
@with_json
def import_command(
    source: tuple[str, ...],
    *,
    kind: str | None,
    project: str | None,
    tags: tuple[str, ...],
    db: str | None,
    as_json: bool,
) -> None:
    """Runs of TensorBoard, CSVLogger, History, MLflow, Trackio, or of `lossmon export`."""
    told: list[dict[str, Any]] = []
    for one in source:
        for run in imported_runs(one, kind):
            run_id = store_run(db, run, project=project, tags=tags)
            told.append(
                {
                    "id": run_id,
                    "name": run.name,
                    "from": run.program,
                    "epochs": len({record.epoch for record in run.epochs}),
                    "batches": len(run.batches),
                }
            )
    if as_json:
        print_json({"runs": told})
    else:
        click.echo(visible("\n".join(_told(told))))
    sys.exit(0)


def _told(runs: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        f"{run['id']}  {run['name']}: {run['epochs']} epochs, {run['batches']} batches, "
        f"from {run['from']}"
        if run["id"]
        else f"{run['name']}: imported before, left as it is"
        for run in runs
    ]
    new = sum(run["id"] is not None for run in runs)
    return [*lines, f"imported {new} of {len(runs)} run(s), unverified"]
