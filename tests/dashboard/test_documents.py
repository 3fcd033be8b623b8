"""Each run of a comparison is read once, by whichever panel asks first."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lossmon_dashboard import create_app
from lossmon_dashboard.documents import Documents, read_documents

from lossmon.store import Store, open_store
from tests.dashboard.asking import ask
from tests.dashboard.seed import Scenario, write
from tests.store.made import batch, epoch, open_writer


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose documents are read from the database."""
    read: list[str] = []
    original = Store.run_document

    def counted(store: Store, run: str) -> dict[str, object]:
        read.append(run)
        return original(store, run)

    monkeypatch.setattr(Store, "run_document", counted)
    return read


def test_the_panels_of_a_comparison_read_each_run_once(database: str, reads: list[str]) -> None:
    store = open_store(database)
    runs = sorted(store.resolve(name) for name in ("digits-cnn", "digits-overfit"))
    client = create_app(database).server.test_client()
    for output in (
        "compare-overlay-drawn.data",
        "compare-ends.rowData",
        "compare-weighed.children",
    ):
        assert ask(client, output, {"compare-runs.value": runs}).status_code == 200
    assert sorted(reads) == runs


def test_panels_that_ask_at_the_same_time_read_once(database: str, reads: list[str]) -> None:
    app = create_app(database).server
    runs = [open_store(database).resolve("digits-cnn")]

    def panel(_: int) -> str:
        with app.app_context():
            return read_documents(runs)[0]["name"]

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(panel, range(3))) == ["digits-cnn"] * 3
    assert reads == runs


def test_a_run_is_read_again_when_there_is_something_new(tmp_path: Path, reads: list[str]) -> None:
    path = str(tmp_path / "runs.db")
    still, noted = (write(path, Scenario(name, epochs=1)) for name in ("still", "noted"))
    documents, store = Documents(), open_store(path)
    documents.read(store, [still, noted])
    store.set_notes(noted, "worth it")
    assert documents.read(store, [still, noted])[1]["notes"] == "worth it"
    assert reads == [still, noted, noted]


def test_a_comparison_is_drawn_anew_by_news_of_its_own_runs(
    tmp_path: Path, reads: list[str]
) -> None:
    path, now = str(tmp_path / "runs.db"), time.time()
    compared, other = (open_writer(path, name=name) for name in ("compared", "other"))
    compared.write([batch(0, time=now)], [epoch(0, loss=1.0)])
    client = create_app(path).server.test_client()
    place: dict[str, Any] = {"compare-runs.value": [compared.run_id, "f" * 12]}
    known = ask(client, "compare-news.data", place).get_json()["response"]["compare-news"]["data"]
    place["compare-news.data"] = known
    # Neither what trains elsewhere is news here, nor are batches.
    other.write([batch(0, time=now)], [epoch(0)])
    compared.write([batch(1, time=now)])
    assert ask(client, "compare-news.data", place).get_json()["response"] == {}
    for _ in range(2):
        ask(client, "compare-ends.rowData", {"compare-runs.value": [compared.run_id]})
        compared.write([batch(2, time=now)])
    assert len(reads) == 1
    compared.write([batch(3, time=now)], [epoch(1, loss=0.5)])
    assert ask(client, "compare-news.data", place).get_json()["response"]
    for writer in (compared, other):
        writer.close()


def test_only_so_much_is_remembered(
    database: str, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, documents = open_store(database), Documents()
    monkeypatch.setattr("lossmon_dashboard.documents._MOST_ROWS", 24)
    small, large = store.resolve("digits-cnn"), store.resolve("digits-overfit")
    for runs in ([small], [large], [small, large], [small], [large]):
        documents.read(store, runs)
    # The small one's 24 rows are kept beside any other; the large one's 40 are not.
    assert reads == [small, large, large]
