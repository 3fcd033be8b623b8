"""The two dashboards that are measured beside each other: how each is started and used."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import Page

from tests.bench.beside_data import Beside
from tests.bench.in_browser import PATIENCE
from tests.started import Started, dashboard


class Uses(NamedTuple):
    """How a dashboard is used, told as JavaScript conditions and selectors.

    Attributes:
        curves: whether the chart of a run has its points.
        many: whether the page of many runs shows them.
        pane: what is dragged over to zoom in.
        places: what is written at the time axis of the curves that are drawn, as one text.
        finer: further condition for a part that is shown as finely as it will be.
        link: what is clicked to look at another run, with `{}` for its name.
        shown: whether that run is shown, with `{}` for its name.
        highest: the greatest loss shown of the long run.
        newest: the last step that the page was told of the first run.
    """

    curves: str
    many: str
    pane: str
    places: str
    finer: str
    link: str
    shown: str
    highest: str
    newest: str


_TICKS = "[...document.querySelectorAll('line-chart .x-axis text')].map(one => one.textContent)"
TENSORBOARD = Uses(
    curves=f"() => {_TICKS}.some(text => " + r"/\d(,\d{3}|k|M)/.test(text))",
    many=f"() => {_TICKS}.some(text => " + r"/\d,\d{3}/.test(text))",
    pane="line-chart .series-view",
    places="window.benchDrawn",
    finer="",
    link="runs-data-table tb-data-table-content-row:has-text('{}') input",
    shown="() => [...document.querySelectorAll('scalar-card-data-table')]"
    ".some(table => table.textContent.includes('{}'))",
    highest="async () => Math.max(...(await (await fetch("
    "'data/plugin/scalars/scalars?run=long&tag=loss')).json()).map(one => one[2]))",
    newest="window.benchNewest",
)
LOSSMON = Uses(
    curves="() => document.querySelectorAll('#run-history .legendtext').length",
    many="() => document.querySelectorAll('#runs-grid .ag-row svg').length > 5",
    pane="#run-history .nsewdrag",
    places="[...document.querySelectorAll('#run-history .xtick, #run-history .x2tick')]"
    ".map(one => one.textContent).join()",
    finer=" && document.querySelector('#run-history .js-plotly-plot')"
    ".data.find(one => one.uid === 'loss-batch').x !== window.benchOld",
    link="#runs-grid a:has-text('{}')",
    shown="() => (document.querySelector('h1') || {{}}).textContent === '{}'"
    " && document.querySelectorAll('#run-history .legendtext').length",
    highest="() => Math.max(...document.querySelector('#run-history .js-plotly-plot')"
    ".data.find(one => one.uid === 'loss-high').y)",
    newest="document.querySelector('#run-history .js-plotly-plot')"
    ".data.find(one => one.uid === 'loss-batch').x.at(-1)",
)
_TOLD = """{
    const {open} = XMLHttpRequest.prototype;
    const look = (told) => {
        const series = [told].flat().flatMap((one) => Object.values(one.runToSeries || {}));
        const steps = series.flat().map((point) => point.step);
        window.benchNewest = Math.max(window.benchNewest || -1, ...steps);
    };
    XMLHttpRequest.prototype.open = function (method, address, ...more) {
        if (String(address).includes("/timeSeries")) {
            this.addEventListener("load", () => look(JSON.parse(this.responseText)));
        }
        return open.call(this, method, address, ...more);
    };
}"""
# A worker draws TensorBoard's curves, and says when it is done; the axis is drawn before.
_DRAWN = """{
    const known = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
    const heard = (message) => {
        if (message && message.type === 0) {
            window.benchDrawn = %s.join();
        }
    };
    Object.defineProperty(MessagePort.prototype, "onmessage", {
        get() {
            return known.get.call(this);
        },
        set(hear) {
            known.set.call(this, (event) => (heard(event.data), hear(event)));
        },
    });
}"""
_RELOADING = """localStorage.setItem("_tb_global_settings", '{"autoReload": true}')"""
LEAST_RELOAD_S = 30
"""TensorBoard's page takes no shorter period."""


@contextmanager
def tensorboard(data: Beside, every: int | None = None) -> Generator[Started]:
    """TensorBoard over the event files, once it has read all of them.

    Args:
        data: where they are.
        every: so many seconds it waits before it looks for new ones; 5 where nothing is said.
    """
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(data.events)]
    command += [] if every is None else ["--reload_interval", str(every)]
    with subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _await_runs(address, data)
            yield Started(address, process.pid)
        finally:
            process.terminate()


def listen(page: Page) -> None:
    """Note what a page of TensorBoard is told and has drawn, before it is opened."""
    page.add_init_script(_TOLD)
    page.add_init_script(_DRAWN % _TICKS)


def reload_often(page: Page) -> None:
    """Have TensorBoard's page ask for new data by itself, as often as its settings allow."""
    listen(page)
    page.add_init_script(_RELOADING)


@contextmanager
def lossmon(data: Beside) -> Generator[Started]:
    """lossmon's dashboard over the database, once it accepts connections."""
    with dashboard(data.db) as started:
        yield started


def _await_runs(address: str, data: Beside) -> None:
    """Wait until all is read: a page that is opened before shows a part, and leaves it at that."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        try:
            steps = [_last_step(address, run) for run in data.runs]
            if all(step is not None and step >= data.steps - 1 for step in steps):
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(f"expected all runs within {PATIENCE:.0f} s")


def _last_step(address: str, run: str) -> int | None:
    query = urlencode({"run": run, "tag": "loss"})
    try:
        with urlopen(f"{address}/data/plugin/scalars/scalars?{query}") as answer:
            return json.loads(answer.read())[-1][1]
    except HTTPError:
        return None
