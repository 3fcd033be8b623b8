"""The command line: `lossmon …`.

Exit codes: 0 all is well; 1 findings stand, or what was asked for is not there; 2 wrong usage.
"""

from __future__ import annotations

import errno
from typing import Any

import click

from lossmon import __version__
from lossmon.cli import (
    checking,
    database,
    inspection,
    programs,
    reporting,
    retention,
    spooled,
    transfer,
)
from lossmon.cli.words import visible
from lossmon.errors import InvalidArgument, LossmonError


class _NotThere(click.ClickException):
    """One of lossmon's own errors as a message."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """Print the message to standard error."""
        click.echo(visible(f"lossmon: {self.message}"), file=file, err=True)


class _WrongUsage(_NotThere):
    exit_code = 2


class _Commands(click.Group):
    """Commands whose errors are messages without control characters, not tracebacks."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            option = visible(error.option_name)
            raise click.UsageError(
                f"expected a command, and its options behind it. Received: {option} first. "
                f"Fix: lossmon COMMAND {option} …, such as `lossmon runs --db PATH`.",
                ctx,
            ) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InvalidArgument as error:
            raise _WrongUsage(str(error)) from error
        except LossmonError as error:
            raise _NotThere(str(error)) from error
        except click.UsageError as error:
            raise click.UsageError(visible(error.format_message()), error.ctx) from error
        except OSError as error:
            # Whoever reads the output may stop reading.
            if error.errno == errno.EPIPE:
                raise
            raise _NotThere(
                f"expected paths that can be used. Received: {error}. "
                "Fix: check what was given and its permissions."
            ) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lossmon")
def cli() -> None:
    """The honest meter for Keras training."""


for command in (
    programs.demo,
    programs.dashboard,
    checking.check,
    programs.rules,
    programs.completion,
    inspection.runs,
    inspection.show,
    inspection.findings,
    inspection.compare,
    reporting.report,
    transfer.export,
    transfer.import_command,
    retention.archive,
    retention.unarchive,
    retention.prune,
    retention.rm,
    spooled.sync,
    database.db_group,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    cli()
