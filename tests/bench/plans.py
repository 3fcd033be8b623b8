"""How PostgreSQL answers what the dashboard asks: `python -m tests.bench.plans URL [BATCHES]`.

Records a run of BATCHES (by default five million) and as many again in runs of 10,000 each by the
real writer, unless there are runs already; then prints times, and each plan that reads a table of
batches or summaries from end to end, which is to be none.
"""

from __future__ import annotations

import statistics
import sys
import time

from rich.console import Console

from lossmon.store import open_store, upgrade
from tests.bench.recorded import record_many, record_run
from tests.store.plans import View, gather_statistics, plans, reads_whole, views
from tests.store.postgres import running_server

REPEATS = 5
_MANY = 10_000


def main(url: str, batches: int = 5_000_000) -> None:
    """Record, measure and print."""
    upgrade(url)
    if not open_store(url).run_rows():
        record_run(url, "long", batches).finish("finished")
        record_many(url, batches // _MANY, _MANY)
    gather_statistics(url)
    store = open_store(url)
    for name, read in views(store, "long", batches, "run-0000").items():
        whole = [p for p in plans(store, read) if reads_whole(store, p, "batches", "summaries")]
        took = _median_seconds(read) * 1e3
        print(f"{name}: {took:.1f} ms, {len(whole)} whole tables read")  # noqa: T201
        for plan in whole:
            print(plan)  # noqa: T201


def _median_seconds(read: View) -> float:
    times: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def report(_: Console) -> None:
    """Do so on the server of the tests."""
    with running_server() as server:
        main(server.take())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
