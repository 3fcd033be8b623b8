"""`lossmon sync`: what waits on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lossmon.store import Delivery, Ending, Records, RunHeader, open_store
from tests.store.made import batch, run_record

Invoke = Callable[..., Any]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a database in which it cannot be made, with a run that waits for it."""
    monkeypatch.setenv("LOSSMON_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr("lossmon.store.delivery.GRACE", 0.1)
    folder = tmp_path / "away"
    folder.write_text("")
    header = RunHeader(str(folder / "lossmon.db"), run_record(name="waiting"))
    delivery = Delivery(header, lambda _: None)
    delivery.send(Records([batch(step) for step in range(20)]))
    delivery.finish(Ending("finished", time.time(), 1.0))
    return folder


def test_what_waits_is_delivered_and_told(away: Path, invoke: Invoke) -> None:
    still = invoke("sync")
    assert still.exit_code == 1
    assert "the rest waits" in still.stdout
    away.unlink()
    told = invoke("sync", "--json")
    (one,) = json.loads(told.stdout)
    assert (told.exit_code, one["name"], one["batches"], one["problem"]) == (0, "waiting", 20, None)
    assert open_store(away / "lossmon.db").run("waiting")["batches"] == 20
    assert invoke("sync").stdout == "nothing waits\n"


def test_it_can_go_elsewhere(away: Path, invoke: Invoke, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert invoke("sync", "--db", str(other)).stdout == "nothing waits\n"
    told = invoke("sync", "waiting", "--to", str(other))
    assert (told.exit_code, "20 batches" in told.stdout) == (0, True)
    assert open_store(other).run("waiting")["status"] == "finished"
