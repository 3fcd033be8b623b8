"""The chart of a run that goes on: what is added to it is what it would be if drawn anew."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lossmon_dashboard.figures import HistoryView
from lossmon_dashboard.run_tabs.following import Mark, added, follow
from lossmon_dashboard.run_tabs.history import Zoom

from lossmon.records import EpochRecord
from lossmon.store import Store, open_store
from tests.dashboard.tree import as_json
from tests.store.made import STARTED, batch, epoch, open_writer

AN_EPOCH = 500
VIEWS = (
    (HistoryView(), None),
    (HistoryView(smooth=50, value="own", axis="step"), None),
    (HistoryView(axis="time"), None),
    (HistoryView(axis="samples", detail="batches"), Zoom("samples", 20_000.0, 170_000.0)),
    (HistoryView(detail="epochs", value="all", axis="step"), Zoom("step", 900.0, 30_000.0)),
)

COUNTS = (
    *((300, False), (40, True), (1331, False), (17, False), (731, True)),
    *((14_000, False), (700, False), (1, False), (1900, True)),
)


EMPTY = {
    "key": "",
    "events": "",
    "since": 0,
    "before": None,
    "late": 0,
    "place": 0,
    "seen": {name: [name, True, None, 0, None, ""] for name in ("loss", "accuracy")},
}


class Browser:
    """What a browser keeps of a chart, and what it does with an answer: `assets/follow.js`."""

    def __init__(self, store: Store, view: HistoryView, zoom: Zoom | None) -> None:
        self._store, self._view, self._zoom = store, view, zoom
        self._mark: Any = None
        self._settled: dict[str, int] = {}
        self.traces: dict[str, dict[str, Any]] = {}
        self.added = 0

    def refresh(self) -> None:
        pulse = self._store.pulse("latest")
        new = added(self._store, self._view, "light", self._mark, pulse, zoom=self._zoom)
        if new is None or not new["new"].keys() <= self.traces.keys():
            drawn = self._whole()
            self.traces, self._settled = traces_of(drawn), drawn["settled"]
        else:
            drawn = as_json(new)
            self.added += 1
            self._add(drawn)
        self._mark = drawn["mark"]

    def _whole(self) -> Any:
        return as_json(follow(self._store, "latest", self._view, "light", zoom=self._zoom).drawn)

    def compare(self) -> None:
        whole = traces_of(self._whole())
        assert self.traces.keys() == whole.keys()
        for uid, trace in whole.items():
            # Places of the time axis are between others, of which there are more and more.
            compare(self.traces[uid]["x"], trace["x"], 2e-3)
            if not uid.endswith("-lost"):
                compare(self.traces[uid]["y"], trace["y"], 1e-9)

    def _add(self, drawn: Mapping[str, Any]) -> None:
        for uid, points in drawn["new"].items():
            trace = self.traces[uid]
            if uid.endswith("-lost"):
                places = {*trace["x"], *points["x"]}
                trace["x"] = sorted(places)
                continue
            measure, kind = uid.split("-", 1)
            of_batches = kind in ("batch", "smooth", "low", "high")
            late = bisect_left(trace["x"], drawn["late"])
            kept = self._settled[measure] if of_batches else late
            for key in ("x", "y"):
                trace[key] = [*trace[key][:kept], *points[key]]
        for measure, count in drawn["settled"].items():
            self._settled[measure] += count


def compare(values: list[float | None], truth: list[float | None], share: float) -> None:
    given, wanted = np.array(values, np.float64), np.array(truth, np.float64)
    atol = share * np.nanmax(np.abs(wanted), initial=0.0)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=atol)


def traces_of(drawn: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["uid"]: trace for trace in drawn["figure"]["data"] if "uid" in trace}


def loss(step: int) -> float:
    return math.nan if step % 1311 == 1310 else 1.0 / (1 + step / 900) + math.sin(step) / 50


def ended(number: int, split: str) -> EpochRecord:
    step = (number + 1) * AN_EPOCH - 1
    values = {"loss": loss(step - 1), "recomputed_loss": loss(step - 1), "accuracy": 0.5}
    return epoch(number, split, step=step, n=AN_EPOCH * 32, time=STARTED + step, **values)


def test_what_is_added_is_what_would_be_drawn(tmp_path: Path) -> None:
    writer, end = open_writer(tmp_path / "grows.db", started=STARTED), 0
    browsers = [Browser(open_store(tmp_path / "grows.db"), *view) for view in VIEWS]
    for count, compared in COUNTS:
        begin, end = end, end + count
        writer.write(
            [
                batch(
                    step,
                    epoch=step // AN_EPOCH,
                    n=12 if step % AN_EPOCH == AN_EPOCH - 1 else 32,
                    loss=loss(step),
                    recomputed_loss=loss(step) if step % 3 else None,
                    accuracy=0.5 + step / 50_000,
                )
                for step in range(begin, end)
            ],
            [
                ended(number, split)
                for number in range(begin // AN_EPOCH, end // AN_EPOCH)
                for split in ("train", "val")
            ],
        )
        for browser in browsers:
            browser.refresh()
            if compared:
                browser.compare()
    writer.close()
    assert min(browser.added for browser in browsers) > 4, [b.added for b in browsers]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {**EMPTY, "since": -1},
        {**EMPTY, "place": "x"},
        {**EMPTY, "seen": {"loss": [], "accuracy": []}},
    ],
)
def test_a_mark_that_makes_no_sense_is_none(told: dict[str, Any]) -> None:
    assert Mark.of(EMPTY) is not None
    assert Mark.of(told) is None
