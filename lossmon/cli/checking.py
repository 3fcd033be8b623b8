"""`lossmon check`: a program without training it, or source without running it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from lossmon.cli.finding_text import print_findings
from lossmon.cli.options import print_json, with_json
from lossmon.cli.sarif import sarif_log
from lossmon.cli.words import visible
from lossmon.program import find_program
from lossmon.records import LocatedFinding
from lossmon.rules import RuleRequest, change_text, grades, listed, rule_request, rule_selection

if TYPE_CHECKING:
    from lossmon.capture.fits import CheckedProgram

_SOURCE = "lossmon check"


@click.command()
@click.argument("script_or_module")
@click.argument("arguments", nargs=-1)
@click.option(
    "--static", is_flag=True, help="Read files and directories without running anything in them."
)
@click.option("--select", multiple=True, metavar="RULES", help="Ask these rules only: LM1,LM301.")
@click.option("--ignore", multiple=True, metavar="RULES", help="Do not ask these rules.")
@click.option(
    "--severity", multiple=True, metavar="RULE=GRADE", help="Count findings as: LM408=info."
)
@with_json
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for code review.")
def check(
    *,
    script_or_module: str,
    arguments: tuple[str, ...],
    static: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    severity: tuple[str, ...],
    as_json: bool,
    as_sarif: bool,
) -> None:
    """Look at every `fit` of a program without training: exit code 1 where findings stand.

    It runs the program: a Python file, a notebook, a module, or what `package.module:function`
    returns. ARGUMENTS are the program's own; put `--` before those that begin with a dash.

    With `--static` nothing is run or imported: all arguments are files or directories, and only
    what is certain from the text is reported.
    """
    asked = _asked(select, ignore, severity)
    if static:
        located = _read([script_or_module, *arguments], asked)
    else:
        located = _run(script_or_module, arguments, asked)
    if as_sarif:
        print_json(sarif_log(located))
    else:
        rows = [_row(found) for found in located]
        if as_json:
            print_json(rows)
        else:
            print_findings(Console(), visible(rows))
    for change in rule_selection((_SOURCE, asked)).changes:
        click.echo(f"lossmon: rules: {change_text(change)}", err=True)
    sys.exit(1 if any(found.finding.severity != "info" for found in located) else 0)


def _asked(
    select: Sequence[str], ignore: Sequence[str], severity: Sequence[str]
) -> RuleRequest | None:
    words = {"select": listed(",".join(select)), "ignore": listed(",".join(ignore))}
    changed = grades(listed(",".join(severity)), "--severity")
    value = {key: given for key, given in {**words, "severity": changed}.items() if given}
    return rule_request(_SOURCE, value or None)


def _row(found: LocatedFinding) -> dict[str, Any]:
    places = {
        name: None if place is None else asdict(place)
        for name, place in (("compile", found.compile), ("fit", found.fit))
    }
    return asdict(found.finding) | places


def _read(paths: Sequence[str], asked: RuleRequest | None) -> list[LocatedFinding]:
    from lossmon.static import read_sources

    read = read_sources(paths, rule_selection((_SOURCE, asked)))
    for unread in read.unread:
        click.echo(visible(f"lossmon: {unread}"), err=True)
    click.echo(f"lossmon: {read.files} file(s) read, nothing was run", err=True)
    return read.located


def _run(name: str, arguments: Sequence[str], asked: RuleRequest | None) -> list[LocatedFinding]:
    # Before Keras is imported, which takes seconds and may print lines of its own.
    program = find_program(name)
    click.echo(
        f"lossmon: running {visible(name)}: its code is executed, only `fit` is replaced by a "
        "check",
        err=True,
    )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from lossmon.capture.script import check_program

    checked = check_program(program, arguments, asked=asked)
    for told in _told(checked):
        click.echo(visible(f"lossmon: {told}"), err=True)
    return checked.located


def _told(checked: CheckedProgram) -> list[str]:
    told = [f"{checked.fits} `fit` call(s) checked, nothing was trained"]
    if checked.models:
        told = [f"{checked.models} returned model(s) checked, nothing was trained"]
    if checked.without_labels:
        told.append(
            "no labels were given, so no rule about labels or accuracy was asked; "
            "return (model, x, y) for these"
        )
    if checked.left_out:
        shown = ", ".join(checked.left_out[:3]) + (", …" if len(checked.left_out) > 3 else "")
        told.append(f"{len(checked.left_out)} line(s) for IPython or a shell not run: {shown}")
    if checked.unsaved:
        told.append(f"{checked.unsaved} model(s) not saved, as they were not trained")
    if checked.failure is not None:
        told.append(f"after that the program ended with {checked.failure}")
    return told
