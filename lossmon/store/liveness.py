"""Whether a run that says "running" still runs: computed when read, never written."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossmon.records import RunStatus

HEARTBEAT_SECONDS = 30.0
_CLOCK_SLACK_SECONDS = 2.0
_PROC = Path("/proc")


def present_status(run: Mapping[Any, Any], now: float | None = None) -> RunStatus:
    """Return the status to show for a run.

    A run that was never ended is "interrupted" when its process is gone (known on its own host
    only) or has not written for 30 seconds.

    Args:
        run: with the columns `status`, `host`, `pid`, `started`, `heartbeat` and `resumes`.
        now: Unix seconds; the present by default.
    """
    if run["status"] != "running":
        return run["status"]
    if (time.time() if now is None else now) - run["heartbeat"] > HEARTBEAT_SECONDS:
        return "interrupted"
    gone = run["host"] == socket.gethostname() and not process_lives(run["pid"], _began(run))
    return "interrupted" if gone else "running"


def _began(run: Mapping[Any, Any]) -> float:
    """When its last training began."""
    resumes = run.get("resumes")
    return resumes[-1]["time"] if resumes else run["started"]


def trained_seconds(run: Mapping[Any, Any], until: float) -> float:
    """Return how long a run was trained until a time, without the pauses before it was resumed."""
    resumes = run.get("resumes")
    return max(0.0, until - _began(run)) + (resumes[-1]["seconds"] if resumes else 0.0)


def process_lives(pid: int, since: float) -> bool:
    """Tell whether the process of this machine that had the id at a time is still there.

    Args:
        pid: its process id.
        since: Unix seconds at which it was there: a process that began later has inherited its id.

    Returns:
        True also where it cannot be known.
    """
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    if not (_PROC / "self/stat").exists():
        return True
    return _lives_in_proc(pid, since)


def _lives_in_proc(pid: int, since: float) -> bool:
    try:
        # The name of the process, in parentheses, may itself hold spaces and parentheses.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state, start_ticks = fields[0], int(fields[19])
    began = _boot_time() + start_ticks / os.sysconf("SC_CLK_TCK")
    return state not in {"Z", "X"} and began <= since + _CLOCK_SLACK_SECONDS


def _boot_time() -> float:
    lines = (_PROC / "stat").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime "))
