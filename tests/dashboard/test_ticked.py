"""All runs that are found, shown or not, and what there is to change about them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app
from lossmon_dashboard.questions import VALUES
from lossmon_dashboard.ticked import MOST_TICKED, all_found, told_of

from lossmon.store import open_store
from tests.dashboard.asking import ask
from tests.dashboard.seed import HOSTILE

ASKED = {"words": None, "archived": None, "by": None, "group": None}


@pytest.fixture
def client(database: str) -> FlaskClient:
    return create_app(database).server.test_client()


@pytest.mark.usefixtures("app")
def test_all_that_is_found_comes_in_the_order_of_the_list(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(database)
    request = {"sortModel": [{"colId": "name", "sort": "desc"}], "at": 3}
    found = all_found(request, {**ASKED, "words": "digits"})
    names = ["digits-overfit", "digits-nan", "digits-cnn"]
    assert found == {"runs": [store.resolve(name) for name in names], "at": 3}
    filtered = {"filterModel": {"name": {"type": "contains", "filter": "nan"}}}
    assert all_found(filtered, ASKED)["runs"] == [store.resolve("digits-nan")]
    monkeypatch.setattr("lossmon_dashboard.ticked.MOST_TICKED", 2)
    assert len(all_found({}, ASKED)["runs"]) == 2


@pytest.mark.usefixtures("bare_app")
def test_nothing_is_found_where_there_is_no_database() -> None:
    assert all_found({}, ASKED)["runs"] == []


def test_dialogs_begin_with_what_runs_have_in_common(client: FlaskClient, database: str) -> None:
    store = open_store(database)
    hostile, overfit = store.resolve(HOSTILE), store.resolve("digits-overfit")
    asked = {"what": "tags", "runs": [overfit, "gone"], "at": 1}
    answer = ask(client, "runs-told.data", {"runs-asked.data": asked})
    assert answer.get_json()["response"]["runs-told"]["data"] == {
        "what": "tags",
        "runs": [overfit],
        "at": 1,
        "name": "digits-overfit",
        "notes": "",
        "tags": ["mlp", "no dropout"],
        "archived": False,
    }
    with create_app(database).server.app_context():
        assert told_of({"runs": [hostile, overfit]})["tags"] == []
        assert told_of({"runs": ["gone"]})["runs"] == []


def test_only_so_many_runs_may_be_asked_about() -> None:
    may = VALUES["runs-asked.data"]
    assert may({"what": "note", "runs": ["a"] * MOST_TICKED, "at": 1})
    assert not may({"what": "note", "runs": ["a"] * (MOST_TICKED + 1), "at": 1})
    assert not may({"what": "note", "runs": "a"})
    assert not may({"what": "note", "runs": [], "sql": "x"})
    assert not VALUES["runs-all-asked.data"]({"sortModel": 7})
