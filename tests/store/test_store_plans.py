"""Nothing that the dashboard asks reads a large table from end to end."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from lossmon.store import Store, open_store
from tests.bench.recorded import record_many, record_run
from tests.store.conftest import NewDatabase
from tests.store.plans import gather_statistics, plans, reads_whole, views

# At this size PostgreSQL is right to read all of `summaries`; `tests.bench.plans` looks at more.
LARGE = ("batches",)
LONG, MANY, SHORT = 100_000, 20, 5_000


@pytest.fixture(scope="module")
def store(new_database: NewDatabase) -> Store:
    """200,000 batches: a run of half of them, and 20 of 5,000."""
    db = new_database()
    writer = record_run(db, "long", LONG)
    writer.finish("finished")
    writer.close()
    record_many(db, MANY, SHORT)
    gather_statistics(db)
    return open_store(db)


def test_every_question_goes_by_an_index(store: Store) -> None:
    assert sum(row["batches"] for row in store.run_rows()) == LONG + MANY * SHORT
    for name, read in views(store, "long", LONG, "run-0000").items():
        found = plans(store, read)
        assert found, name
        assert [plan for plan in found if reads_whole(store, plan, *LARGE)] == [], name


def test_charts_go_by_the_indexes_made_for_them(store: Store) -> None:
    asked = views(store, "long", LONG, "run-0000")
    chart = "\n".join(plans(store, asked["chart of the long run"]))
    assert "summaries_" in chart
    zoom = "\n".join(plans(store, asked["zoom into 500 of its batches"]))
    assert "batches_in_order" in zoom


def test_a_plan_that_reads_a_whole_table_is_seen(store: Store) -> None:
    def ask() -> None:
        with store._engine.connect() as connection:
            connection.execute(text("SELECT sum(loss) FROM batches WHERE seconds > 0"))

    assert [reads_whole(store, plan, *LARGE) for plan in plans(store, ask)] == [True]
