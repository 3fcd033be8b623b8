"""The command line: `lossmon …`.

Exit codes: 0 all is well; 1 findings stand, or what was asked for is not there; 2 wrong usage.
"""

from __future__ import annotations

import sys

import click

from lossmon import __version__
from lossmon.cli import database, inspection, programs
from lossmon.errors import InvalidArgument, LossmonError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lossmon")
def cli() -> None:
    """The honest meter for Keras training."""


for command in (
    programs.demo,
    programs.dashboard,
    programs.check,
    programs.rules,
    inspection.runs,
    inspection.show,
    inspection.findings,
    inspection.compare,
    database.export,
    database.rm,
    database.db_group,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; lossmon's own errors are messages, not tracebacks."""
    try:
        cli()
    except InvalidArgument as error:
        click.echo(f"lossmon: {error}", err=True)
        sys.exit(2)
    except LossmonError as error:
        click.echo(f"lossmon: {error}", err=True)
        sys.exit(1)
