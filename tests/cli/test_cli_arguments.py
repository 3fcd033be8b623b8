"""Whatever stands in an argument or option, a command answers with a message, not a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lossmon.cli import cli
from tests.cli.conftest import Invoke, Seeded
from tests.cli.test_cli_hostile import CONTROL, FUZZED

ODD = ("", " ", "--", "-1", "0", "~x", "\udcff", "a\x1b[2J", "%s%n", "../..", "é" * 300, "1e999")
# No argument of a process can hold NUL.
TEXT = st.text(st.characters(codec=None, exclude_characters="\0"), max_size=20) | st.sampled_from(
    ODD
)
# What else each command needs; the dashboard is given a place where nothing can listen.
BESIDE = {
    "check": ["none.py"],
    "compare": ["latest", "latest"],
    "dashboard": ["--no-browser", "--host=a..b", "--port=65536"],
}
# It trains for minutes whatever its options are, which are those of `dashboard`.
LEFT_OUT = {"demo"}


class Place(NamedTuple):
    """An argument or option of a command that takes a value."""

    command: tuple[str, ...]
    parameter: click.Parameter

    def __str__(self) -> str:
        return " ".join([*self.command, self.parameter.opts[-1]])


def places(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[Place]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from places(command, (*names, name))
            continue
        for parameter in command.params:
            if not getattr(parameter, "is_flag", False) and name not in LEFT_OUT:
                yield Place((*names, name), parameter)


def told(place: Place, text: str, db: str) -> list[str]:
    """The command with this text in that place, and all else that it needs."""
    name, parameter, known = place.command[-1], place.parameter, command_of(place).params
    needs_run = any(isinstance(other, click.Argument) and other.required for other in known)
    beside = BESIDE.get(name, ["latest"] if needs_run else [])
    if any(other.name == "db" for other in known) and parameter.name != "db":
        beside = [f"--db={db}", *beside]
    if isinstance(parameter, click.Argument):
        options = [part for part in beside if part.startswith("--")]
        return [*place.command, *options, "--", text]
    option = parameter.opts[-1]
    others = [part for part in beside if not part.startswith(f"{option}=")]
    return [*place.command, f"{option}={text}", *others]


def command_of(place: Place) -> click.Command:
    command: click.Command = cli
    for name in place.command:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is written lands in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))


@settings(FUZZED, max_examples=12)
@given(text=TEXT)
@example(text="\x1f")
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("place", list(places(cli)), ids=str)
def test_every_argument_of_every_command_is_answered_with_a_message(
    invoke: Invoke, copied: Seeded, place: Place, text: str
) -> None:
    result = invoke(*told(place, text, copied.db), answer="n\n")
    assert result.exit_code in (0, 1, 2), result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not CONTROL.search(result.stdout + result.stderr)


@pytest.mark.parametrize("host", ["a..b", "x y", ":", "a\0b", "é" * 80, "\ud800"])
def test_a_host_that_is_none_is_a_message(invoke: Invoke, host: str) -> None:
    for port in ("0", "8050"):
        result = invoke("dashboard", "--no-browser", "--host", host, "--port", port)
        assert result.exit_code == 2
        assert result.stderr.startswith("lossmon: `host` and `port` must be free to listen on.")
        assert not CONTROL.search(result.stderr)
