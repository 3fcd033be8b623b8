"""A dashboard in a process of its own, for tests and benchmarks."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_PROGRAM = """
import sys
from lossmon_dashboard import serve
serve(sys.argv[1], port=0, open_browser=False)
"""


class Started(NamedTuple):
    """A server that runs.

    Attributes:
        address: without a slash at the end.
        pid: its process.
    """

    address: str
    pid: int

    def processor(self) -> float:
        """Seconds of processor time that it and its children have used."""
        return sum(_used(pid) for pid in (self.pid, *_children(self.pid)))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]


def _used(pid: int) -> float:
    # The clock of another process: what `/proc` tells is counted in ticks of 10 ms.
    return time.clock_gettime(~pid << 3 | 2)


@contextmanager
def saying_where(command: Sequence[str | Path], **process: Any) -> Generator[Started]:
    """Run a command that prints its address first, for as long as the block takes.

    Args:
        command: and its arguments.
        process: what else `subprocess.Popen` takes.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **process) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+(?=/)", server.stdout.readline())
            assert found, "the server did not say where it is"
            yield Started(found.group(), server.pid)
        finally:
            server.kill()


@contextmanager
def dashboard(db: str | Path) -> Generator[Started]:
    """Run the dashboard over a database."""
    with saying_where([sys.executable, "-c", _PROGRAM, str(db)]) as started:
        yield started
