"""What the dashboard's server takes, asked by HTTP.

One run of 100,000 and one of ten million batches, and 1,000 runs of 10,000, are recorded first:
some 6 GB, and some minutes.
"""

from __future__ import annotations

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
        cold = server.runs_page() * 1e3
        warm = middle([server.runs_page() for _ in range(REPEATS)])
    console.print(f"1,000 runs: first {cold:.0f} ms, then {warm:.0f} ms")


def _charts(console: Console, server: Server, size: int) -> tuple[float, float]:
    run = f"n{size}"
    cold = server.first_chart(run) * 1e3
    first = middle([server.first_chart(run) for _ in range(REPEATS)])
    starts = range(0, size - ZOOM, (size - ZOOM) // REPEATS)
    zoom = middle([server.zoomed(run, (start, start + ZOOM)) for start in starts])
    shown = highest(server.chart(run))
    console.print(
        f"{size:,} batches: cold {cold:.0f} ms, first chart {first:.0f} ms, zoom {zoom:.0f} ms; "
        f"highest value shown {shown:g}"
    )
    return first, zoom
