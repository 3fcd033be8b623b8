"""How a database means to answer what a store asks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import event, text

from lossmon.store import Store
from lossmon.store.engine import database_url, opened

COLUMNS = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy")
# SQLite calls it a scan even where it reads an index from end to end, which is no better.
_SCAN = {"postgresql": "Seq Scan on", "sqlite": "SCAN"}
_EXPLAIN = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}

View = Callable[[], Any]


def views(store: Store, long: str, batches: int, short: str) -> dict[str, View]:
    """What the dashboard asks of a store with a long run of so many batches and many short ones."""

    def chart(run: str, steps: tuple[int, int] | None = None) -> View:
        return lambda: store.batch_series(run, COLUMNS, split="train", step_range=steps)

    return {
        "chart of the long run": chart(long),
        "zoom into it": chart(long, (batches // 2, batches // 2 + 20_000)),
        "zoom into 500 of its batches": chart(long, (batches // 2, batches // 2 + 500)),
        "chart of a short run": chart(short),
        "list of runs": store.run_rows,
        "one run": lambda: store.run(short),
        "export of a short run": lambda: list(store.export_batches(short)),
    }


def plans(store: Store, read: View) -> list[str]:
    """The plan of each query that `read` makes."""
    said: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        said.append((arguments[2], arguments[3]))

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        read()
    finally:
        event.remove(store._engine, "before_cursor_execute", note)
    explain = _EXPLAIN[store._engine.dialect.name]
    with store._engine.connect() as connection:
        return [
            "\n".join(
                str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {asked}", values)
            )
            for asked, values in said
            if asked.startswith(("SELECT", "WITH"))
        ]


def reads_whole(store: Store, plan: str, *tables: str) -> bool:
    """Whether a plan reads one of the tables from end to end."""
    scan = _SCAN[store._engine.dialect.name]
    return re.search(rf"{scan} ({'|'.join(tables)})\b", plan) is not None


def gather_statistics(db: str) -> None:
    """Let a server look at its tables now, as it does by itself sooner or later."""
    with opened(database_url(db)) as engine:
        if engine.dialect.name == "postgresql":
            at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
            with at_once.connect() as connection:
                connection.execute(text("ANALYZE"))
