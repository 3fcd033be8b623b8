"""What a page that is seen asks again and again: little, and answered by little."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app
from lossmon_dashboard.figures import HistoryView
from lossmon_dashboard.run_tabs.following import follow
from sqlalchemy import event
from sqlalchemy.pool import Pool

from lossmon.records import BatchRecord
from lossmon.store import RunWriter, open_store
from tests.dashboard.tree import as_json
from tests.store.made import FINDING, batch, epoch, open_writer

RUN = "f00000000001"


def made(start: int, stop: int) -> list[BatchRecord]:
    now = time.time()
    return [batch(step, epoch=0, time=now, loss=1 / (1 + step)) for step in range(start, stop)]


@pytest.fixture
def writer(tmp_path: Path) -> Generator[RunWriter]:
    writer = open_writer(tmp_path / "live.db", id=RUN, name="live")
    writer.write(made(0, 200))
    yield writer
    writer.close()


@pytest.fixture
def client(writer: RunWriter, tmp_path: Path) -> FlaskClient:
    return create_app(str(tmp_path / "live.db")).server.test_client()


@contextmanager
def statements() -> Generator[list[str]]:
    """What the database is asked meanwhile."""
    said: list[str] = []

    def follow(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(said.append)

    event.listen(Pool, "checkout", follow)
    yield said
    event.remove(Pool, "checkout", follow)
    said[:] = [statement for statement in said if statement.startswith(("SELECT", "WITH"))]


def chart_of(folder: Path) -> dict[str, Any]:
    store, view = open_store(folder / "live.db"), HistoryView(axis="step")
    return as_json(follow(store, RUN, view, "light").drawn)


def asked(client: FlaskClient, **question: Any) -> dict[str, Any]:
    return client.post("/news", json=question).get_json()


def test_a_chart_is_told_its_new_batches_alone(
    client: FlaskClient, writer: RunWriter, tmp_path: Path
) -> None:
    drawn = as_json(
        follow(open_store(tmp_path / "live.db"), RUN, HistoryView(axis="step"), "light").drawn
    )
    place = asked(client, place="/run/live")
    token = place["token"]
    known = {"token": token, "running": 1, "run": RUN, "alive": True}
    assert place == {"path": "/run/live", **known}
    question = {"place": "/run/live", "mark": drawn["mark"], "heard": token, **drawn["of"]}
    first = asked(client, **question)["points"]
    assert first["new"] == {}
    writer.write(made(200, 250))
    with statements() as said:
        new = asked(client, **question, step=first["step"])
    assert len(said) <= 2, said
    assert new["token"] == token
    assert new["points"]["new"]["loss-batch"]["x"] == list(range(200, 250))
    going_on = question | {"mark": new["points"]["mark"], "step": 249}
    with statements() as said:
        again = asked(client, **going_on)
    assert "points" not in again
    assert len(said) <= 2, said
    # The end of an epoch is told likewise.
    writer.write(made(250, 251), [epoch(0, step=250, loss=0.5)])
    with statements() as said:
        ended = asked(client, **going_on)
    assert len(said) <= 4, said
    assert ended["token"] != token
    told = ended["points"]["new"]
    assert told["loss-batch"]["x"] == told["loss-train-own"]["x"] == [250]


def test_a_chart_that_is_not_as_it_would_be_drawn_now_is_told_whole(
    client: FlaskClient, writer: RunWriter, tmp_path: Path
) -> None:
    drawn = as_json(
        follow(open_store(tmp_path / "live.db"), RUN, HistoryView(axis="step"), "light").drawn
    )
    place = {"place": "/run/live", "mark": drawn["mark"]}
    dark = asked(client, **place, **{**drawn["of"], "scheme": "dark"})["points"]
    assert dark["of"]["scheme"] == "dark"
    assert dark["figure"]["data"][0]["x"] == list(range(200))
    # What stands on it is looked at where that is asked for, as it is every few seconds.
    writer.write(made(200, 201), (), [FINDING])
    assert "new" in asked(client, **place, **drawn["of"])["points"]
    whole = asked(client, **place, **drawn["of"], whole=True)["points"]
    assert whole["events"]["type"] == "Div"
    known = {**place, "mark": whole["mark"], **drawn["of"], "step": 200}
    assert "figure" not in asked(client, **known, whole=True)["points"]


def test_a_list_is_told_what_moves_with_each_batch(client: FlaskClient, writer: RunWriter) -> None:
    (whole,) = asked(client, place="/", shown={RUN: None})["trainings"]
    known = [whole["line"]["stride"], len(whole["line"]["values"])]
    writer.write(made(200, 210))
    with statements() as said:
        told = asked(client, place="/", shown={RUN: known})
    assert len(said) <= 3, said
    (more,) = told["trainings"]
    assert (more["id"], more["line"]["start"]) == (RUN, known[1])
    assert len(more["line"]["values"]) == 210 // known[0] + 1 - known[1]
    assert "trainings" not in asked(client, place="/")


def test_a_database_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    client = create_app(str(tmp_path / "none.db")).server.test_client()
    told = asked(client, place="/run/latest")
    assert (told["token"], told["running"]) == (None, 0)
    assert "none.db" in told["trouble"]
