from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from lossmon_dashboard import serve
from lossmon_dashboard.server import DEFAULT_PORT

from lossmon.errors import InvalidArgument

# A background job of a shell is deaf to SIGINT, and so would be what it starts.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lossmon_dashboard import serve
serve(sys.argv[1], host=sys.argv[2], port=int(sys.argv[3]), open_browser=False)
"""


@contextmanager
def serving(
    database: str, host: str, port: int, program: str = PROGRAM
) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A dashboard in a process of its own, and the line that it printed."""
    command = [sys.executable, "-c", program, database, host, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def address(line: str) -> str:
    found = re.search(r"http://\S+", line)
    assert found, line
    return found.group()


def test_a_database_that_is_not_there_yet_is_said_to_be_so(tmp_path: Path) -> None:
    with serving(str(tmp_path / "none.db"), "127.0.0.1", 0) as (process, line):
        assert "none.db" in line
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == "  no such database yet: runs show up as soon as one is recorded there\n"


@contextmanager
def taken(port: int) -> Generator[int]:
    """A port that someone listens on, unless someone does already."""
    with closing(socket.socket()) as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            yield port
        else:
            listener.listen()
            yield listener.getsockname()[1]


def test_a_free_port_is_taken_when_the_default_is_in_use(database: str) -> None:
    with taken(DEFAULT_PORT), serving(database, "127.0.0.1", DEFAULT_PORT) as (_, line):
        assert f":{DEFAULT_PORT}/" not in line
        with urlopen(address(line)) as answer:
            assert (answer.status, answer.headers["Server"]) == (200, "lossmon")


def test_a_chosen_port_that_is_in_use_is_an_error(database: str) -> None:
    with taken(0) as port, pytest.raises(InvalidArgument, match=f"127.0.0.1:{port}"):
        serve(database, port=port, open_browser=False)


def test_an_address_that_others_can_reach_asks_for_a_token(database: str) -> None:
    with serving(database, "0.0.0.0", 0) as (process, line):
        assert process.stdout is not None
        token = process.stdout.readline().removeprefix("  token: ").strip()
        link = process.stdout.readline().strip()
        assert len(token) >= 20
        assert token not in line
        assert link.endswith(f"/#token={token}")
        where = f"http://127.0.0.1:{urlsplit(address(line)).port}/"
        with pytest.raises(HTTPError, match="401"):
            urlopen(where)
        asked = Request(where, headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked) as answer:
            assert answer.status == 200


def test_further_names_are_answered_when_they_are_named(database: str) -> None:
    program = PROGRAM.replace("open_browser", "allow_hosts=['Box.Example'], open_browser")
    with serving(database, "127.0.0.1", 0, program) as (_, line):
        asked = Request(address(line), headers={"Host": "box.example"})
        with urlopen(asked) as answer:
            assert answer.status == 200


def test_interrupting_it_ends_it_quietly(database: str) -> None:
    with serving(database, "127.0.0.1", 0) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
