"""How long the dashboard's server takes to answer what a browser asks, by HTTP."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.dashboard.asking import question_for
from tests.started import Started, dashboard

_REFRESHES = 50


class Server:
    """A dashboard in a process of its own.

    Args:
        started: its process.
    """

    def __init__(self, started: Started) -> None:
        self._started = started
        self._dependencies = json.loads(self._fetched("/_dash-dependencies"))

    def asked(self, output: str, **values: Any) -> tuple[float, bytes]:
        """Ask the callback that fills a property; returns seconds and the answer.

        Args:
            output: `id.property`.
            values: of its inputs, `id__property` with underscores for dashes and dots.
        """
        named = {_property(name): value for name, value in values.items()}
        question = question_for(self._dependencies, output, named)
        began = time.perf_counter()
        answer = self._posted("/_dash-update-component", question)
        return time.perf_counter() - began, answer

    def processor(self) -> float:
        """Seconds of processor time that it has used: what other work does not change."""
        return self._started.processor()

    def first_chart(self, run: str) -> float:
        """Seconds from opening a run's page to its chart, which comes with it."""
        return self.asked("page.children", url__pathname=f"/run/{run}")[0]

    def zoomed(self, run: str, span: tuple[int, int]) -> float:
        """Seconds until the chart shows a span of steps."""
        part = {"view": {"axis": "step"}, "zoom": ["step", *span]}
        began = time.perf_counter()
        self._posted("/chart", {"place": f"/run/{run}", **part})
        return time.perf_counter() - began

    def refreshed(self, run: str) -> tuple[int, int, float]:
        """Bytes of a chart at first and of a refresh, and processor seconds of the latter."""
        place = {"place": f"/run/{run}"}
        first = self._posted("/chart", place)
        drawn = json.loads(first)
        question = {**place, "mark": drawn["mark"], **drawn["of"]}
        used, again = self.processor(), b""
        for _ in range(_REFRESHES):
            again = self._posted("/news", question)
        return len(first), len(again), (self.processor() - used) / _REFRESHES

    def chart(self, run: str) -> Mapping[str, Any]:
        """The chart of a run as the browser gets it."""
        _, answer = self.asked("run-history-drawn.data", run_id__data=run)
        return json.loads(answer)["response"]["run-history-drawn"]["data"]["figure"]

    def runs_page(self) -> float:
        """Seconds from opening the list of runs to its rows."""
        page, _ = self.asked("page.children", url__pathname="/")
        return page + self.rows()

    def rows(self, start: int = 0, order: str = "started", words: str = "") -> float:
        """Seconds for a hundred rows of the list of runs."""
        request = {"startRow": start, "endRow": start + 100, "filterModel": {}}
        sorting = [{"colId": order, "sort": "desc"}]
        return self.asked(
            "runs-grid.getRowsResponse",
            runs_grid__getRowsRequest=request | {"sortModel": sorting},
            runs_search__value=words,
        )[0]

    def _posted(self, path: str, question: Mapping[str, Any]) -> bytes:
        return self._fetched(path, json.dumps(question).encode())

    def _fetched(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self._started.address + path, body, headers)) as answer:
            return answer.read()


@contextmanager
def serving(db: str | Path) -> Generator[Server]:
    """A dashboard over a database, for as long as the block takes."""
    with dashboard(db) as started:
        yield Server(started)


def highest(figure: Mapping[str, Any]) -> float:
    """The greatest value that a chart shows."""
    return max(y for line in figure["data"] for y in _numbers(line["y"]))


def _numbers(values: Any) -> list[float]:
    if isinstance(values, Mapping):
        import base64

        import numpy as np

        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return [value for value in values if value is not None]


def _property(name: str) -> str:
    identity, _, prop = name.partition("__")
    return f"{identity.replace('_', '-')}.{prop}"


def middle(times: list[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(times) * 1e3
