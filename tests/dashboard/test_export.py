from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app

from lossmon.store import RunWriter, csv_text, open_store
from tests.analysis.sampled import RECORDS, N
from tests.dashboard.seed import SOFTMAX, Scenario


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def client(database: str) -> FlaskClient:
    return create_app(database).server.test_client()


def test_the_full_data_of_a_run_are_files(client: FlaskClient, database: str) -> None:
    answer = client.get("/export/digits-cnn/batches.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="lossmon-')
    store = open_store(database)
    told = rows(answer.text)
    assert len(told) == len(list(store.export_batches("digits-cnn")))
    assert float(told[0]["recomputed_loss"]) == next(store.export_batches("digits-cnn"))["loss"]
    epochs = rows(client.get("/export/digits-cnn/epochs.csv").text)
    assert len(epochs) == len(store.epoch_rows("digits-cnn"))
    assert epochs[0]["reliability"] == ""
    # Reasons are texts of the record: one that begins like a formula must not become one.
    assert rows("".join(csv_text(["reason"], [{"reason": "=1+1", "more": 2}]))) == [
        {"reason": "'=1+1"}
    ]


def test_samples_of_the_epoch_that_is_asked_for(tmp_path: Any) -> None:
    scenario = Scenario("sampled", metric=SOFTMAX)
    writer = RunWriter.open(tmp_path / "runs.db", scenario.record(), scenario.output_records())
    writer.write(samples=[RECORDS[0], RECORDS[5]])
    writer.close()
    client = create_app(str(tmp_path / "runs.db")).server.test_client()
    told = rows(client.get("/export/sampled/samples.csv?epoch=1").text)
    assert (len(told), told[7]["position"], told[7]["epoch"]) == (N, "7", "0")
    kept = open_store(str(tmp_path / "runs.db")).samples("sampled", 0)
    assert kept is not None
    assert float(told[7]["loss"]) == kept.loss[7]
    for last in ("", "?epoch=x", "?output="):
        assert rows(client.get(f"/export/sampled/samples.csv{last}").text)[0]["epoch"] == "5"
    assert rows(client.get("/export/sampled/samples.csv?output=none").text) == []


@pytest.mark.parametrize(
    "address", ["/export/nobody/batches.csv", "/export/digits-cnn/findings.csv", "/export//x.csv"]
)
def test_what_is_not_there_is_said(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert "Traceback" not in answer.text
    assert answer.status_code == 404 or address == "/export//x.csv"


def test_files_ask_for_the_token_as_pages_do(database: str) -> None:
    client = create_app(database, token="secret").server.test_client()
    assert client.get("/export/digits-cnn/batches.csv").status_code == 401
