"""The chart of a comparison that goes on: what is added to it is what would be drawn anew."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app
from lossmon_dashboard.comparison_chart import Compared, draw_comparison
from lossmon_dashboard.links import MOST_COMPARED
from lossmon_dashboard.source import current_store

from lossmon.records import BatchRecord, EpochRecord
from lossmon.store import RunWriter
from lossmon.store.stalling import STALLED_SECONDS
from tests.dashboard.asking import ask
from tests.dashboard.seed import REGRESSION
from tests.dashboard.test_news import statements
from tests.dashboard.tree import as_json
from tests.store.made import batch, epoch, open_writer

AN_EPOCH = 20
VIEWS = (
    {},
    {"axis": "step", "split": "train"},
    {"axis": "time"},
    {"axis": "samples", "split": "train"},
    {"axis": "samples", "apart": True, "measure": "accuracy"},
    {"axis": "time", "split": "train", "apart": True},
)


class Training:
    """A run that is written epoch by epoch.

    Args:
        folder: where the database is.
        name: the run's.
        seconds: how long an epoch takes.
        nan_at: the epoch whose loss is no number; None for none.
    """

    def __init__(
        self, folder: Path, name: str, seconds: float = 1.0, nan_at: int | None = None
    ) -> None:
        self._began = time.time()
        self.writer: RunWriter = open_writer(folder / "live.db", name=name, started=self._began)
        self._seconds, self._nan_at = seconds, nan_at
        self.done = 0

    @property
    def id(self) -> str:
        return self.writer.run_id

    def go_on(self, split: str = "both", **more: Any) -> None:
        """Write an epoch, or one split of it: that of train comes before that of val."""
        splits = ("train", "val") if split == "both" else (split,)
        batches = [self._batch(place) for place in range(AN_EPOCH)] if "train" in splits else []
        self.writer.write(batches, [self._epoch(one, **more) for one in splits])
        self.done += "val" in splits

    def _batch(self, place: int) -> BatchRecord:
        return batch(self.done * AN_EPOCH + place, epoch=self.done, time=time.time(), loss=1.0)

    def _epoch(self, split: str, **more: Any) -> EpochRecord:
        number = self.done
        value = float("nan") if number == self._nan_at else 1 / (number + 1 + len(split))
        known: dict[str, Any] = {
            "step": (number + 1) * AN_EPOCH - 1,
            "n": AN_EPOCH * 32 + 7 * number,
            "time": self._began + (number + 1) * self._seconds + len(split) / 10,
            **dict.fromkeys(("loss", "recomputed_loss"), value),
            **dict.fromkeys(("accuracy", "recomputed_accuracy"), number / (1 + number)),
        }
        return epoch(number, split, **known | more)


class Browser:
    """What a browser keeps of a chart, and what it does with an answer: `assets/follow.js`."""

    def __init__(self, client: FlaskClient, runs: list[str], **view: Any) -> None:
        self._client, self._compared = client, Compared(tuple(runs), **view)
        self._held = self._whole()
        self.added = self.anew = 0

    def refresh(self) -> None:
        question = {"place": "/compare", **self._held["of"], "mark": self._held["mark"]}
        answer = self._client.post("/news", json=question)
        points = answer.get_json().get("points")
        if points is None:
            return
        traces = traces_of(self._held)
        if "figure" in points:
            self._held = points
            self.anew += 1
        elif points["new"].keys() <= traces.keys():
            self._held["mark"] = points["mark"]
            self.added += 1
            for uid, new in points["new"].items():
                add(traces[uid], new)
        else:
            self._held = self._whole()
            self.anew += 1

    def compare(self) -> None:
        known, whole = traces_of(self._held), traces_of(self._whole())
        assert known.keys() == whole.keys()
        for uid, trace in whole.items():
            if not uid.startswith(("behind-", "loss-lost")):
                parts = ("x", "y", "text")
                assert [known[uid][part] for part in parts] == [trace[part] for part in parts]

    def _whole(self) -> Any:
        with self._client.application.app_context():
            return as_json(draw_comparison(current_store(), self._compared, "light"))


def add(trace: dict[str, Any], new: Mapping[str, Any]) -> None:
    kept = sum(new["late"] is not None and x < new["late"] for x in trace["x"])
    for part in ("x", "y", "text"):
        trace[part] = [*trace[part][:kept], *new[part]]


def traces_of(drawn: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["uid"]: trace for trace in drawn["figure"]["data"]}


@pytest.fixture
def two(tmp_path: Path) -> Generator[tuple[Training, Training]]:
    trainings = Training(tmp_path, "one"), Training(tmp_path, "other", seconds=9.0, nan_at=6)
    for training in trainings:
        for _ in range(4):
            training.go_on()
    yield trainings
    for training in trainings:
        training.writer.close()


@pytest.fixture
def client(two: tuple[Training, Training], tmp_path: Path) -> FlaskClient:
    del two
    return create_app(str(tmp_path / "live.db")).server.test_client()


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_added_is_what_would_be_drawn(
    client: FlaskClient, two: tuple[Training, Training], view: dict[str, Any]
) -> None:
    one, other = two
    browser = Browser(client, [other.id, one.id], **view)
    for turn in range(16):
        # Of an epoch the row of val comes later than that of train, and both are told.
        one.go_on("train")
        browser.refresh()
        browser.compare()
        one.go_on("val")
        if turn % 3:
            other.go_on()
        browser.refresh()
        browser.compare()
    # Of a chart in time the unit changes twice, and a first value that is no number is drawn anew.
    assert browser.added > 20
    assert browser.anew <= 3, browser.anew
    one.writer.finish("finished")
    browser.refresh()
    assert browser.added + browser.anew == 33


def test_nothing_new_is_told_of_batches_and_of_other_runs(
    client: FlaskClient, two: tuple[Training, Training], tmp_path: Path
) -> None:
    one, other = two
    third = Training(tmp_path, "third")
    compared = [one.id, other.id]
    told = {"place": "/compare", "compared": Compared(tuple(compared))._asdict()}
    whole = client.post("/news", json=told).get_json()
    question = told | {"mark": whole["points"]["mark"]}
    third.go_on()
    one.writer.write([batch(one.done * AN_EPOCH, epoch=one.done, time=time.time())])
    again = client.post("/news", json=question).get_json()
    assert "points" not in again
    assert again["token"] == whole["token"]
    assert again["alive"] == whole["alive"]
    one.go_on()
    assert client.post("/news", json=question).get_json()["token"] != whole["token"]
    other.writer.finish("finished")
    assert client.post("/news", json=question).get_json()["alive"] != whole["alive"]
    third.writer.close()


def test_a_run_that_comes_to_a_stop_is_told_at_once(
    client: FlaskClient, two: tuple[Training, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"place": "/compare", "compared": Compared((two[0].id, two[1].id))._asdict()}
    known = client.post("/news", json=question).get_json()
    question["mark"] = known["points"]["mark"]
    later = time.time() + STALLED_SECONDS + 10
    monkeypatch.setattr("lossmon.store.followed.time.time", lambda: later)
    monkeypatch.setattr("lossmon.store.liveness.HEARTBEAT_SECONDS", 1e6)
    with statements() as said:
        stopped = client.post("/news", json=question).get_json()
    assert sum("batches" in statement for statement in said) == 2, said
    assert stopped["running"] == known["running"] == 2
    assert stopped["alive"] != known["alive"]


def test_what_is_seen_of_a_run_beside_its_points_is_drawn_anew(
    client: FlaskClient, two: tuple[Training, Training]
) -> None:
    one, other = two
    browser = Browser(client, [one.id, other.id])
    with client.application.app_context():
        store = current_store()
    store.change({one.id: {"name": "renamed"}})
    browser.refresh()
    assert (browser.added, browser.anew) == (0, 1)
    other.go_on(intended_accuracy=0.75)
    browser.refresh()
    browser.refresh()
    assert (browser.added, browser.anew) == (0, 2)
    other.go_on(intended_accuracy=0.5)
    browser.refresh()
    browser.compare()
    assert (browser.added, browser.anew) == (1, 2)
    # That an accuracy is misread is told beside the whole of its curve.
    one.writer.write(findings=[REGRESSION])
    browser.refresh()
    browser.refresh()
    assert (browser.added, browser.anew) == (1, 3)
    one.go_on()
    browser.refresh()
    browser.compare()
    assert (browser.added, browser.anew) == (2, 3)
    # Another database, or one in which the training was resumed, has other epochs.
    assert (
        "figure"
        in client.post(
            "/news",
            json={
                "place": "/compare",
                "compared": Compared((one.id,))._asdict(),
                "mark": {"news": 0, "last": 0.0, "goes_on": {one.id: [-1, 0, 0, False, ""]}},
            },
        ).get_json()["points"]
    )


def test_many_runs_are_followed_in_as_many_statements_as_few(tmp_path: Path) -> None:
    trainings = [Training(tmp_path, f"run-{place}") for place in range(MOST_COMPARED)]
    for place, training in enumerate(trainings):
        training.go_on()
        if place >= 5:
            training.writer.finish("finished")
            training.writer.close()
    client = create_app(str(tmp_path / "live.db")).server.test_client()
    runs = tuple(training.id for training in trainings)
    told = {"place": "/compare", "compared": Compared(runs)._asdict(), "scheme": "light"}
    mark = client.post("/news", json=told).get_json()["points"]["mark"]
    assert len(mark["goes_on"]) == 5
    with statements() as said:
        assert "points" not in client.post("/news", json=told | {"mark": mark}).get_json()
    assert len(said) == 1, said
    for training in trainings[:5]:
        training.go_on()
    with statements() as said:
        new = client.post("/news", json=told | {"mark": mark}).get_json()["points"]["new"]
    assert len(said) == 3, said
    assert len(new) == 10
    # What else stands on the page reads its runs anew by one statement, and those that have news.
    values = {"compare-runs.value": list(runs)}
    with statements() as said:
        ask(client, "compare-news.data", values)
    assert len(said) == 1, said
    for training in trainings[:5]:
        training.writer.close()
