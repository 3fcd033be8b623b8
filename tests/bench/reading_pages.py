"""What the dashboard's server takes: `python -m tests.bench.reading_pages [FOLDER]`.

Records, unless FOLDER holds them, one run of 100,000 and one of ten million batches, and 1,000 runs
of 10,000 (some 6 GB, and about four minutes), then asks a real server by HTTP.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.bench.pages import Server, highest, middle, serving
from tests.bench.recorded import record_many, record_run

SIZES = (100_000, 10_000_000)
ZOOM = 20_000
REPEATS = 10


def main(folder: Path) -> None:
    """Record, measure and print."""
    long, many = folder / "long.db", folder / "many.db"
    if not long.exists():
        for size in SIZES:
            writer = record_run(long, f"n{size}", size)
            writer.finish("finished")
            writer.close()
    if not many.exists():
        record_many(many, 1_000, 10_000)
    with serving(long) as server:
        took = [_charts(server, size) for size in SIZES]
    ratios = [after / before for before, after in zip(*took, strict=True)]
    print(f"long over short: first x{ratios[0]:.2f}, zoom x{ratios[1]:.2f}")  # noqa: T201
    with serving(many) as server:
        cold = server.runs_page() * 1e3
        warm = middle([server.runs_page() for _ in range(REPEATS)])
    print(f"1,000 runs: first {cold:.0f} ms, then {warm:.0f} ms")  # noqa: T201


def report(_: Console) -> None:
    """Do so in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))


def _charts(server: Server, size: int) -> tuple[float, float]:
    run = f"n{size}"
    cold = server.first_chart(run) * 1e3
    first = middle([server.first_chart(run) for _ in range(REPEATS)])
    starts = range(0, size - ZOOM, (size - ZOOM) // REPEATS)
    zoom = middle([server.zoomed(run, (start, start + ZOOM)) for start in starts])
    shown = highest(server.chart(run))
    print(  # noqa: T201
        f"{size:,} batches: cold {cold:.0f} ms, first chart {first:.0f} ms, zoom {zoom:.0f} ms; "
        f"highest value shown {shown:g}"
    )
    return first, zoom


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        report(Console())
