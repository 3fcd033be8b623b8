"""What each server works while nobody trains, and while eight runs are written for both."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.bench.beside_data import Beside, Events
from tests.bench.contestants import LEAST_RELOAD_S
from tests.bench.in_browser import new_page, opened
from tests.bench.recorded import AN_EPOCH, BEGUN, epochs_after, records
from tests.store.made import open_writer

RUNS = 8
RATE = 50
"""Steps a second of each run."""
BEFORE = 1_000
"""Steps of each run before they are watched."""
SECONDS = 2.0 * LEAST_RELOAD_S
_WRITES_A_SECOND = 10
_LOOK_MS = 500
_LOOK_AT_EPOCHS_MS = 50
_COMPARED_S = 120
_OVERLAY = "document.querySelector('#compare-overlay .js-plotly-plot')"
_EPOCHS = (
    f"(({_OVERLAY} || {{}}).data || []).filter(one => one.uid === 'loss-0')"
    ".map(one => one.x.length)[0] || 0"
)
"""How many epochs a comparison shows of its first run."""


def live(
    browser: Browser, contestants: Sequence[Any], ended: Beside, folder: Path
) -> Iterator[str]:
    """Yield lines that tell the processor time of each server, pages open before both."""
    yield f"idle, the page of {len(ended.runs)} runs open: " + _worked(browser, contestants, ended)
    with _training(folder) as data:
        told = _worked(browser, contestants, data.seen)
        yield f"{RUNS} runs live, their page open: {told}"
        one = [
            contestant._replace(of_many="/run/live-0?axis=step")
            if contestant.of_many == "/"
            else contestant
            for contestant in contestants
        ]
        told = _worked(browser, one, data.seen, "curves", data)
        yield f"{RUNS} runs live, the page of one open: {told}"


def compared(browser: Browser, lossmon: Any, folder: Path) -> str:
    """A line that tells how soon epochs show in a comparison of runs that are written."""
    with _training(folder, with_epochs=True) as data:
        told = _compared(browser, lossmon, data)
    return f"{RUNS} runs live, an epoch a second, their comparison open: {told}"


def _worked(
    browser: Browser,
    contestants: Sequence[Any],
    data: Beside,
    condition: str = "many",
    written: Written | None = None,
) -> str:
    """Milliseconds of processor time a second of each server, over the same seconds.

    Where it is known what is `written`, also by how many seconds each page was behind, at the
    median and at most.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(one.serve(data)) for one in contestants]
        pages: list[Page] = []
        for one, server in zip(contestants, servers, strict=True):
            pages.append(stack.enter_context(new_page(browser)))
            one.prepare(pages[-1])
            opened(pages[-1], server.address + one.of_many, getattr(one.uses, condition))
        pages[0].wait_for_timeout(3_000)
        before, began = [server.processor() for server in servers], time.perf_counter()
        behind = [list[float]() for _ in pages]
        while time.perf_counter() - began < SECONDS:
            pages[0].wait_for_timeout(_LOOK_MS)
            for one, page, seconds in zip(contestants, pages, behind, strict=True):
                if written is not None:
                    seconds.append((written.last - page.evaluate(one.uses.newest)) / RATE)
        lasted = time.perf_counter() - began
        used = [server.processor() - at for server, at in zip(servers, before, strict=True)]
    shares = zip(contestants, used, behind, strict=True)
    return ", ".join(
        f"{one.name} {spent / lasted * 1e3:.1f} ms/s{_told(late)}" for one, spent, late in shares
    )


def _compared(browser: Browser, lossmon: Any, written: Written) -> str:
    """The server's processor time, and how long epochs wait after their commit to be shown."""
    with lossmon.serve(written.seen) as server, new_page(browser) as page:
        opened(page, f"{server.address}/compare?runs={','.join(written.ids)}", f"() => {_EPOCHS}")
        page.wait_for_timeout(3_000)
        shown: int = page.evaluate(_EPOCHS)
        before, began = server.processor(), time.perf_counter()
        waited: list[float] = []
        while time.perf_counter() - began < _COMPARED_S:
            page.wait_for_timeout(_LOOK_AT_EPOCHS_MS)
            seen, now = page.evaluate(_EPOCHS), time.perf_counter()
            waited += [now - moment for moment in written.ended[shown:seen]]
            shown = seen
        spent = (server.processor() - before) / (time.perf_counter() - began)
    middle, most = statistics.median(waited), max(waited)
    return (
        f"{lossmon.name} {spent * 1e3:.1f} ms/s; of {len(waited)} epochs each was shown after "
        f"{middle:.1f} s, {most:.1f} s at most"
    )


def _told(behind: list[float]) -> str:
    if not behind:
        return ""
    return f", {statistics.median(behind):.1f} s behind, {max(behind):.1f} s at most"


class Written:
    """Runs that are being written.

    Attributes:
        seen: where they are.
        ids: theirs.
        last: the last step that was committed of each.
        ended: when each of their epochs was committed, in seconds of `time.perf_counter`.
    """

    def __init__(self, seen: Beside, ids: Sequence[str]) -> None:
        self.seen = seen
        self.ids = ids
        self.last = -1
        self.ended: list[float] = []


@contextmanager
def _training(folder: Path, *, with_epochs: bool = False) -> Generator[Written]:
    """Eight runs that go on being written for both, at the same rate, an epoch a second if any."""
    names = tuple(f"live-{number}" for number in range(RUNS))
    marked = folder / f"live-{time.time_ns()}"
    marked.mkdir()
    data = Beside(marked / "events", marked / "live.db", names, BEFORE)
    writers = [open_writer(data.db, name=name) for name in names]
    events = [Events(data.events / name) for name in names]
    shift = time.time() - BEGUN
    written = Written(data, [writer.run_id for writer in writers])
    an_epoch = RATE if with_epochs else AN_EPOCH

    def write(start: int, count: int) -> None:
        rows = [replace(row, time=time.time()) for row in records(start, count, an_epoch)]
        ended = range(len(written.ended), (start + count) // RATE) if with_epochs else ()
        epochs = [row for epoch in ended for row in epochs_after(epoch, RATE)]
        for writer, event in zip(writers, events, strict=True):
            writer.write(rows, epochs)
            event.write(start, count, shift)
        written.last = start + count - 1
        written.ended += [time.perf_counter()] * len(ended)

    over = threading.Event()

    def go_on() -> None:
        step, each = BEFORE, RATE // _WRITES_A_SECOND
        began = time.perf_counter()
        while not over.is_set():
            write(step, each)
            step += each
            due = began + (step - BEFORE) / RATE
            over.wait(max(0.0, due - time.perf_counter()))

    write(0, BEFORE)
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()
        for writer, event in zip(writers, events, strict=True):
            writer.finish("finished")
            writer.close()
            event.close()
