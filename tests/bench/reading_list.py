"""What the list of ten thousand runs takes, asked by HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from lossmon.store import upgrade
from tests.bench.pages import Server, middle, serving
from tests.bench.recorded import record_list

RUNS = 10_000
_REPEATS = 10


def report(console: Console, folder: Path) -> None:
    """Record 10,000 runs of ten epochs, unless they are there; measure and print."""
    db = folder / "list.db"
    if not db.exists():
        record_list(db, RUNS)
    upgrade(db)
    with serving(db) as server:
        asks: dict[str, Callable[[], float]] = {
            "page": server.runs_page,
            "rows from the middle": lambda: server.rows(RUNS // 2),
            "the first sorted by loss": lambda: server.rows(order="val_loss"),
            "sorted by another value": lambda: server.rows(RUNS // 2, "best_val_accuracy"),
            "searched": lambda: server.rows(words="lr=0.01 units=4"),
        }
        for name, ask in asks.items():
            first, worked_first = _asked(server, ask, 1)
            again, worked = _asked(server, ask, _REPEATS)
            console.print(
                f"{RUNS:,} runs, {name}: first {first:.0f} ms ({worked_first:.0f} of processor), "
                f"then {again:.0f} ms ({worked:.0f})"
            )


def _asked(server: Server, ask: Callable[[], float], times: int) -> tuple[float, float]:
    """Milliseconds of an answer in the middle, and of processor time on the average."""
    used = server.processor()
    took = middle([ask() for _ in range(times)])
    return took, (server.processor() - used) * 1e3 / times
