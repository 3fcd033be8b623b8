"""How PostgreSQL answers what the dashboard asks: `python -m tests.bench.plans URL [BATCHES]`.

Records a run of BATCHES (by default five million) and as many again in runs of 10,000 each by the
real writer, unless there are runs already; then prints times, and each plan that reads a table of
batches or summaries from end to end, which is to be none.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event, text

from lossmon.store import Store, open_store, upgrade
from lossmon.store.engine import database_url, opened
from tests.bench.recorded import record_many, record_run

COLUMNS = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy")
REPEATS = 5
_MANY = 10_000
_WHOLE = ("Seq Scan on batches", "Seq Scan on summaries")


def main(url: str, batches: int = 5_000_000) -> None:
    """Record, measure and print."""
    upgrade(url)
    if not open_store(url).run_rows():
        record_run(url, "long", batches).finish("finished")
        record_many(url, batches // _MANY, _MANY)
    with opened(database_url(url)) as engine:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("ANALYZE"))
        connection.close()
    store = open_store(url)
    for name, read in _views(store, batches).items():
        took, whole = _measured(store, read)
        print(f"{name}: {took * 1e3:.1f} ms, {len(whole)} whole tables read")  # noqa: T201
        for plan in whole:
            print(plan)  # noqa: T201


def _views(store: Store, batches: int) -> dict[str, Callable[[], Any]]:
    steps = (batches // 2, batches // 2 + 20_000)
    return {
        "chart of the long run": lambda: store.batch_series("long", COLUMNS, split="train"),
        "zoom into it": lambda: store.batch_series(
            "long", COLUMNS, split="train", step_range=steps
        ),
        "chart of a run of 10,000": lambda: store.batch_series("run-0000", COLUMNS, split="train"),
        "list of runs": store.run_rows,
        "one run": lambda: store.run("run-0000"),
        "begin of an export": lambda: next(store.export_batches("run-0000")),
    }


def _measured(store: Store, read: Callable[[], Any]) -> tuple[float, list[str]]:
    """Median seconds, and the plans that read a large table from end to end."""
    said: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        said.append((arguments[2], arguments[3]))

    event.listen(store._engine, "before_cursor_execute", note)
    read()
    event.remove(store._engine, "before_cursor_execute", note)
    times: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    with store._engine.connect() as connection:
        plans = [
            "\n".join(connection.exec_driver_sql(f"EXPLAIN {asked}", values).scalars())
            for asked, values in said
            if asked.startswith(("SELECT", "WITH"))
        ]
    return statistics.median(times), [p for p in plans if any(word in p for word in _WHOLE)]


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
