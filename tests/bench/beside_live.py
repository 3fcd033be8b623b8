"""What each server works while nobody trains, and while eight runs are written for both."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.bench.beside_data import Beside, Events
from tests.bench.in_browser import new_page, opened
from tests.bench.recorded import BEGUN, records
from tests.store.made import open_writer

RUNS = 8
RATE = 50
"""Steps a second of each run."""
BEFORE = 1_000
"""Steps of each run before they are watched."""
SECONDS = 20.0
_WRITES_A_SECOND = 10


def live(
    browser: Browser, contestants: Sequence[Any], ended: Beside, folder: Path
) -> Iterator[str]:
    """Yield lines that tell the processor time of each server, pages open before both."""
    yield f"idle, the page of {len(ended.runs)} runs open: " + _worked(browser, contestants, ended)
    with _training(folder) as data:
        yield f"{RUNS} runs live, their page open: " + _worked(browser, contestants, data)
        one = [
            contestant._replace(of_many="/run/live-0") if contestant.of_many == "/" else contestant
            for contestant in contestants
        ]
        yield f"{RUNS} runs live, the page of one open: " + _worked(browser, one, data, "curves")


def _worked(
    browser: Browser, contestants: Sequence[Any], data: Beside, condition: str = "many"
) -> str:
    """Milliseconds of processor time a second of each server, over the same seconds."""
    with ExitStack() as stack:
        servers = [stack.enter_context(one.serve(data)) for one in contestants]
        pages: list[Page] = []
        for one, server in zip(contestants, servers, strict=True):
            pages.append(stack.enter_context(new_page(browser)))
            opened(pages[-1], server.address + one.of_many, getattr(one.uses, condition))
        pages[0].wait_for_timeout(3_000)
        before, began = [server.processor() for server in servers], time.perf_counter()
        pages[0].wait_for_timeout(SECONDS * 1e3)
        lasted = time.perf_counter() - began
        used = [server.processor() - at for server, at in zip(servers, before, strict=True)]
    shares = zip(contestants, used, strict=True)
    return ", ".join(f"{one.name} {spent / lasted * 1e3:.1f} ms/s" for one, spent in shares)


@contextmanager
def _training(folder: Path) -> Generator[Beside]:
    """Eight runs that go on being written for both, at the same rate."""
    names = tuple(f"live-{number}" for number in range(RUNS))
    marked = folder / f"live-{time.time_ns()}"
    marked.mkdir()
    data = Beside(marked / "events", marked / "live.db", names, BEFORE)
    writers = [open_writer(data.db, name=name) for name in names]
    events = [Events(data.events / name) for name in names]
    shift = time.time() - BEGUN

    def write(start: int, count: int) -> None:
        rows = [replace(row, time=time.time()) for row in records(start, count)]
        for writer, event in zip(writers, events, strict=True):
            writer.write(rows)
            event.write(start, count, shift)

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
        yield data
    finally:
        over.set()
        thread.join()
        for writer, event in zip(writers, events, strict=True):
            writer.finish("finished")
            writer.close()
            event.close()
