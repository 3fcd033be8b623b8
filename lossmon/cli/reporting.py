"""The command that writes reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from lossmon.cli.options import sample_source, with_db
from lossmon.cli.words import visible
from lossmon.errors import InvalidArgument
from lossmon.store import open_store


@click.command()
@click.argument("run", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md"]),
    default="html",
    show_default=True,
    help="One HTML file with its figures inside, or Markdown.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File to write, `-` for standard output. Default: lossmon-report.html, or .md.",
)
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the figures as SVG and PNG files; Markdown links them.",
)
@with_db
def report(
    run: tuple[str, ...], *, form: str, output: Path | None, figures: Path | None, db: str | None
) -> None:
    """One file about one or more runs: findings, curves, divergence, calibration, comparison."""
    from lossmon.report import html_page, markdown, report_of, save_figures

    store = open_store(db)
    documents = visible([store.run_document(name) for name in run])
    gathered = report_of(documents, sample_source(store))
    target = output or Path(f"lossmon-report.{form}")
    saved = [] if figures is None else save_figures(gathered, figures, ("svg", "png"))
    text = html_page(gathered) if form == "html" else markdown(gathered, _links(saved, target))
    if str(target) == "-":
        click.echo(text, nl=False)
        return
    _write(target, text)
    click.echo(visible(f"lossmon: wrote {target}"), err=True)


def _links(saved: list[Path], target: Path) -> list[tuple[str, str]]:
    """What each figure shows, and its path as seen from the report."""
    base = Path() if str(target) == "-" else target.parent
    shown = [path for path in saved if path.suffix == ".svg"]
    return [
        (
            path.stem.replace("-", " "),
            Path(os.path.relpath(path, base)).as_posix().replace(" ", "%20"),
        )
        for path in shown
    ]


def _write(target: Path, text: str) -> Any:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(
            f"expected a file that can be written. Received: {target} ({error.strerror}). "
            "Fix: --output FILE in a directory that is there"
        ) from error
