"""Small curves, `--watch` on a real terminal, shell completion."""

from __future__ import annotations

import math
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lossmon.cli.sparkline import sparkline
from lossmon.records import EpochRecord, OutputRecord, RunRecord
from lossmon.store import RunWriter, new_run_id
from tests.cli.conftest import Invoke, Seeded


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([0.0, 1.0], "▁█"),
        ([3.0, 2.0, 1.0, 0.0], "█▆▃▁"),
        ([1.0, 1.0, 1.0], "▁▁▁"),
        ([1.0, None, math.nan, math.inf, 0.0], "█ ✕✕▁"),
        ([1.0, 1.0, 9.0, 1.0], "▁█"),
        ([math.nan, math.nan], "✕✕"),
        ([1.0], ""),
        ([], ""),
        ([None, None], ""),
    ],
)
def test_a_curve_keeps_extremes_and_what_is_not_finite(
    values: list[float | None], drawn: str
) -> None:
    width = 2 if values == [1.0, 1.0, 9.0, 1.0] else 16
    assert sparkline(values, width) == drawn


def test_tables_show_courses(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert "▁" in invoke("runs").stdout
    shown = invoke("show", "healthy").stdout
    assert "loss      train █▁" in shown
    assert "\x1b" not in shown


def on_a_terminal(
    *arguments: str, env: dict[str, str] | None = None, drawn: Callable[[bytes], object] = len
) -> tuple[int, str]:
    """Exit code and output of a command that has a terminal.

    Args:
        *arguments: of `lossmon`.
        env: what its environment has besides.
        drawn: is told of all that was drawn so far, whenever that is more.
    """
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("lossmon")), *arguments]
    size = {"COLUMNS": "140", "LINES": "40", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=os.environ | size | (env or {})
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65_536):
            said += part
            drawn(said)
    except OSError:
        pass  # the other end was closed
    finally:
        os.close(ours)
    return process.wait(timeout=60), said.decode(errors="replace")


def test_watching_a_run_goes_on_until_it_ends(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    run = RunRecord(new_run_id(), "live", None, time.time(), os.uname().nodename, os.getpid())
    writer = RunWriter.open(db, run, [OutputRecord(None)])
    writer.write(epochs=[EpochRecord(0, "train", None, time.time(), loss=0.75)])

    seen = threading.Event()

    def go_on() -> None:
        seen.wait(60.0)
        writer.write(epochs=[EpochRecord(1, "train", None, time.time(), loss=0.25)])
        writer.finish("finished")

    training = threading.Thread(target=go_on)
    training.start()
    code, said = on_a_terminal(
        *("show", "live", "--watch", "--db", db),
        drawn=lambda said: b"running" in said and seen.set(),
    )
    training.join()
    writer.close()
    assert code == 0
    assert "running" in said
    # The alternate screen is left, and the last drawing stays.
    last = said.rpartition("\x1b[?1049l")[2]
    assert "finished" in last
    assert "█▁" in last


def test_colours_follow_the_terminal_and_no_color(seeded: Seeded) -> None:
    _, coloured = on_a_terminal("findings", "faulty", "--db", seeded.db)
    _, plain = on_a_terminal("findings", "faulty", "--db", seeded.db, env={"NO_COLOR": "1"})
    assert "\x1b[1;31m" in coloured
    assert "\x1b[1;31m" not in plain
    assert "31m" not in plain


def test_watching_needs_a_terminal(invoke: Invoke) -> None:
    result = invoke("runs", "--watch")
    assert (result.exit_code, "needs a terminal" in result.stderr) == (2, True)
    result = invoke("show", "latest", "--watch", "--json")
    assert (result.exit_code, "leave out one of them" in result.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_each_shell(invoke: Invoke, shell: str) -> None:
    assert "_LOSSMON_COMPLETE" in invoke("completion", shell).stdout
