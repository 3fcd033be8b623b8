"""`--watch`: a table that is drawn again as its runs go on."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

# Seconds between two looks at whether something has changed, and until a run that is silent may be
# shown as interrupted.
LOOK_EVERY = 1.0
DRAW_EVERY = 5.0


def watch(
    draw: Callable[[Console], bool], revision: Callable[[], str], console: Console | None = None
) -> None:
    """Draw on the terminal's own screen until nothing more is to come, or Ctrl-C.

    What stood there last is left in the terminal.

    Args:
        draw: prints, and tells whether more is to come.
        revision: changes when there is something new to draw.
        console: the terminal; standard output by default.

    Raises:
        UsageError: standard output is no terminal.
    """
    console = console or Console()
    if not console.is_terminal:
        raise click.UsageError(
            "--watch needs a terminal. Received: output into a pipe or file. Fix: leave it out"
        )
    text = Text()
    try:
        with Live(text, console=console, screen=True, auto_refresh=False) as live:
            more = True
            while more:
                seen, drawn = revision(), time.monotonic()
                text, more = _drawing(draw, console)
                live.update(text, refresh=True)
                while more and revision() == seen and time.monotonic() - drawn < DRAW_EVERY:
                    time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        pass
    console.print(text)


def _drawing(draw: Callable[[Console], bool], console: Console) -> tuple[Text, bool]:
    file = io.StringIO()
    page = Console(
        file=file,
        width=console.width,
        force_terminal=True,
        no_color=console.no_color,
        highlight=False,
    )
    more = draw(page)
    return Text.from_ansi(file.getvalue()), more
