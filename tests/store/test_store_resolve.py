from __future__ import annotations

import pytest

from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.store import Store, new_run_id, new_run_name, open_store, upgrade
from tests.store.made import STARTED, open_writer


@pytest.fixture
def store(db: str) -> Store:
    named = [("aaaa11110000", "digits"), ("aaaa22220000", "digits"), ("bbbb11110000", "100%_x")]
    for age, (run_id, name) in enumerate(named):
        open_writer(db, id=run_id, name=name, started=STARTED + age).close()
    return open_store(db)


@pytest.mark.parametrize(
    ("name", "run_id"),
    [
        ("aaaa11110000", "aaaa11110000"),
        ("aaaa1", "aaaa11110000"),
        ("b", "bbbb11110000"),
        ("digits", "aaaa22220000"),
        ("100%_x", "bbbb11110000"),
        ("latest", "bbbb11110000"),
    ],
)
def test_a_run_answers_to(store: Store, name: str, run_id: str) -> None:
    assert store.resolve(name) == run_id


@pytest.mark.parametrize("name", ["%", "_", "100%", "digi", "", "AAAA1", "' OR 1=1"])
def test_nothing_else_is_a_run(store: Store, name: str) -> None:
    with pytest.raises(RunNotFound, match="Fix: "):
        store.resolve(name)


@pytest.mark.parametrize("ask", ["run", "epochs", "batches", "findings"])
def test_a_run_is_named_by_a_text(store: Store, ask: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Received: 3\. Fix: take it from the column `id`"):
        getattr(store, ask)(3)


@pytest.mark.parametrize("ask", ["epochs", "batches"])
def test_there_are_two_splits(store: Store, ask: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Received: split='vali'\. Fix: "):
        getattr(store, ask)("digits", split="vali")


def test_near_misses_are_named(store: Store) -> None:
    with pytest.raises(RunNotFound, match="did you mean 'digits'"):
        store.run("digitz")
    with pytest.raises(RunNotFound, match="did you mean '100%_x'"):
        store.run("0%")


def test_an_ambiguous_prefix_lists_the_runs(store: Store) -> None:
    with pytest.raises(RunNotFound, match=r"2 runs .* aaaa22220000 \(digits\), aaaa11110000"):
        store.findings("aaaa")


def test_an_empty_database_says_how_to_record(db: str) -> None:
    upgrade(db)
    with pytest.raises(RunNotFound, match="without any run"):
        open_store(db).resolve("latest")


def test_every_method_that_takes_a_run_says_so_when_there_is_none(store: Store) -> None:
    for method in (
        *(store.run, store.batches, store.epochs, store.findings, store.epoch_rows),
        *(store.finding_rows, store.export_batches, store.revision, store.run_document),
    ):
        with pytest.raises(RunNotFound):
            method("nobody")


def test_made_up_names_and_ids() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
    assert all(len(new_run_id()) == 12 and int(new_run_id(), 16) >= 0 for _ in range(20))
    adjective, noun, number = new_run_name().split("-")
    assert adjective.isalpha()
    assert noun.isalpha()
    assert 100 <= int(number) <= 999
