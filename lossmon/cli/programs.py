"""Commands that run something: the demo, the dashboard, the rule pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from click.shell_completion import get_completion_class
from rich.console import Console

from lossmon.cli.options import print_json, with_db, with_json
from lossmon.cli.rule_text import print_rule, print_rules
from lossmon.cli.tables import print_runs
from lossmon.cli.words import visible

_PORT: dict[str, Any] = {"type": click.IntRange(0, 65_535), "default": 8050, "show_default": True}


@click.command()
@with_db
@click.option("--no-dashboard", is_flag=True, help="Train and print the summary only.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the dashboard listens.")
@click.option("--port", **_PORT, help="Its port; 0 for any free one.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def demo(db: str | None, no_dashboard: bool, host: str, port: int, no_browser: bool) -> None:
    """Train the example models on real data, then open the dashboard on them."""
    from lossmon.demo import run_demo
    from lossmon.store import open_store

    console = Console()
    recorded = run_demo(db, console=console)
    store = open_store(db)
    ids = {store.resolve(run) for run in recorded}
    print_runs(console, visible([row for row in store.run_rows() if row["id"] in ids]))
    if not no_dashboard:
        _serve(db, host, port, no_browser=no_browser)


@click.command()
@with_db
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", **_PORT, help="The port; 0 for any free one.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option(
    "--read-only", is_flag=True, help="Runs can be looked at, not renamed, archived or deleted."
)
@click.option(
    "--allow-host",
    metavar="NAME",
    multiple=True,
    help="A further name that the dashboard is reached by, such as a proxy's; '*.example.org'.",
)
@click.option(
    "--prefix", default="", metavar="PATH", help="The path below which a proxy serves it: /lossmon."
)
def dashboard(
    *,
    db: str | None,
    host: str,
    port: int,
    no_browser: bool,
    allow_host: tuple[str, ...],
    read_only: bool,
    prefix: str,
) -> None:
    """Serve the dashboard. Loopback by default; any other address asks for a token."""
    more = {"allow_hosts": allow_host, "read_only": read_only, "prefix": prefix}
    _serve(db, host, port, no_browser=no_browser, **more)


def _serve(db: str | None, host: str, port: int, *, no_browser: bool, **more: Any) -> None:
    from lossmon_dashboard import serve

    serve(db, host=host, port=port, open_browser=not no_browser, **more)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Shell completion: `eval "$(lossmon completion bash)"`, best in the shell's own start file."""
    script = get_completion_class(shell)
    assert script is not None
    variable = "_lossmon_complete".upper()
    click.echo(script(context.find_root().command, {}, "lossmon", variable).source())


@click.command()
@click.argument("code", required=False)
@with_json
def rules(code: str | None, as_json: bool) -> None:
    """The rules, those of a group ("LM3"), or one by code or name, with its documentation."""
    from lossmon.rules import rule_faults, rule_pages

    pages = rule_pages() if code is None else rule_pages([code])
    for fault in rule_faults():
        click.echo(f"lossmon: {fault}", err=True)
    if as_json:
        print_json([asdict(page) for page in pages])
    elif len(pages) > 1:
        print_rules(Console(), pages)
    else:
        print_rule(Console(), pages[0])
