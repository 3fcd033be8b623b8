"""What the dashboard's server takes, asked by HTTP.

One run of 100,000 and one of ten million batches, and 1,000 runs of 10,000, are recorded first:
some 6 GB, and some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from lossmon.store import upgrade
from tests.bench.pages import Server, highest, middle, serving
from tests.bench.recorded import SIZES, ZOOM, long_runs, record_many

REPEATS = 10


def report(console: Console, folder: Path) -> None:
    """Record, measure and print."""
    long, many = long_runs(folder), folder / "many.db"
    if not many.exists():
        record_many(many, 1_000, 10_000)
    upgrade(many)
    with serving(long) as server:
        took = [_charts(console, server, size) for size in SIZES]
    ratios = [after / before for before, after in zip(*took, strict=True)]
    console.print(f"long over short: first x{ratios[0]:.2f}, zoom x{ratios[1]:.2f}")
    with serving(many) as server:
        used = server.processor()
        cold = server.runs_page() * 1e3
        at_first = (server.processor() - used) * 1e3
        warm, worked = _asked(server, [server.runs_page] * REPEATS)
    console.print(
        f"1,000 runs: first {cold:.0f} ms ({at_first:.0f} of processor), "
        f"then {warm:.0f} ms ({worked:.0f})"
    )


def _asked(server: Server, asks: Sequence[Callable[[], float]]) -> tuple[float, float]:
    """Milliseconds of an answer in the middle, and of processor time on the average."""
    used = server.processor()
    took = middle([ask() for ask in asks])
    return took, (server.processor() - used) * 1e3 / len(asks)


def _charts(console: Console, server: Server, size: int) -> tuple[float, float]:
    run = f"n{size}"
    cold = server.first_chart(run) * 1e3
    first, first_worked = _asked(server, [lambda: server.first_chart(run)] * REPEATS)
    starts = range(0, size - ZOOM, (size - ZOOM) // REPEATS)
    zoom, zoom_worked = _asked(
        server, [partial(server.zoomed, run, (start, start + ZOOM)) for start in starts]
    )
    shown = highest(server.chart(run))
    console.print(
        f"{size:,} batches: cold {cold:.0f} ms, first chart {first:.0f} ms ({first_worked:.0f} of "
        f"processor), zoom {zoom:.0f} ms ({zoom_worked:.0f}); highest value shown {shown:g}"
    )
    return first, zoom
