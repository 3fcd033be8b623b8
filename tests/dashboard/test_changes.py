"""What pages may change of runs, how it is taken back, and who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app

from lossmon.store import RunQuery, Store, open_store
from tests.dashboard.asking import ask, question_for
from tests.dashboard.seed import HOSTILE, LIVE, Scenario, start, write

UPDATE = "/_dash-update-component"


@pytest.fixture
def db(tmp_path: Path) -> str:
    path = str(tmp_path / "runs.db")
    for name in ("one", "two"):
        write(path, Scenario(name, epochs=1, tags=("kept",)))
    return path


@pytest.fixture
def client(db: str) -> FlaskClient:
    return create_app(db).server.test_client()


@pytest.fixture
def store(db: str) -> Store:
    return open_store(db)


def change(client: FlaskClient, **wanted: Any) -> dict[str, Any]:
    answer = ask(client, "runs-changed.data", {"runs-change.data": wanted})
    assert answer.status_code == 200, answer.text
    return answer.get_json()["response"]["runs-changed"]["data"]


def shown(store: Store, *columns: str, archived: bool = False) -> list[list[Any]]:
    runs = store.listed_runs(RunQuery(archived=archived, order=(("name", False),)))
    return [[run[column] for column in columns] for run in runs]


def test_several_runs_of_one_name_are_numbered_as_they_began(
    client: FlaskClient, store: Store
) -> None:
    one, two = store.resolve("one"), store.resolve("two")
    done = change(client, put={two: {"name": "seed"}, one: {"name": "seed"}}, number=True, at=1)
    assert done["said"] == "2 runs renamed."
    assert (store.resolve("seed 1"), store.resolve("seed 2")) == (one, two)
    change(client, put=done["undo"], at=2)
    assert (store.resolve("one"), store.resolve("two")) == (one, two)


def test_several_runs_are_renamed_tagged_and_noted_and_it_is_taken_back(
    client: FlaskClient, store: Store
) -> None:
    one, two = store.resolve("one"), store.resolve("two")
    before = shown(store, "name", "tags", "notes")
    wanted = {one: {"name": HOSTILE, "notes": "<b>why</b>"}, two: {"tags": ["kept", "x, y"]}}
    done = change(client, put=wanted, at=7)
    assert (done["said"], done["at"]) == ("2 runs changed.", 7)
    assert shown(store, "name", "tags", "notes") == [
        [HOSTILE, ["kept"], "<b>why</b>"],
        ["two", ["kept", "x, y"], None],
    ]
    change(client, put=done["undo"])
    assert shown(store, "name", "tags", "notes") == before


def test_tags_are_added_and_removed_from_what_is_there(client: FlaskClient, store: Store) -> None:
    one = store.resolve("one")
    done = change(client, put={one: {"tags": {"add": ["new", " new ", ""], "remove": ["gone"]}}})
    assert shown(store, "tags")[0] == [["kept", "new"]]
    assert done["undo"] == {one: {"tags": ["kept"]}}
    change(client, put={one: {"tags": {"remove": ["kept"]}}})
    assert shown(store, "tags")[0] == [["new"]]


def test_a_change_is_made_whole_or_not_at_all(client: FlaskClient, store: Store) -> None:
    one = store.resolve("one")
    for other in ({"nobody": {"notes": "x"}}, {store.resolve("two"): {"name": "  "}}):
        said = change(client, put={one: {"notes": "x"}, **other})
        assert said["failed"]
        assert "Fix: " in said["said"]
        assert "undo" not in said
    assert shown(store, "notes") == [[None], [None]]


def test_deleting_puts_out_of_sight_first_and_only_that_is_deleted(
    client: FlaskClient, store: Store
) -> None:
    one, two = store.resolve("one"), store.resolve("two")
    change(client, delete=[one])
    assert shown(store, "name") == [["one"], ["two"]]
    done = change(client, put={one: {"archived": True}, two: {"archived": True}}, then="delete")
    assert (done["said"], sorted(done["delete"])) == ("2 runs deleted.", sorted([one, two]))
    assert shown(store, "name") == []
    change(client, put={two: done["undo"][two]})
    assert shown(store, "name") == [["two"]]
    change(client, delete=[one, two])
    assert shown(store, "name", archived=True) == [["two"]]


def test_what_still_trains_is_not_deleted(db: str, client: FlaskClient, store: Store) -> None:
    writer = start(db, LIVE, epochs=1)
    said = change(client, put={writer.run_id: {"archived": True}}, then="delete")
    assert "digits-live, still training" in said["said"]
    assert store.listed_runs(RunQuery("digits-live"))
    writer.close()


def test_a_dashboard_that_may_only_read_has_no_way_to_change(db: str) -> None:
    client = create_app(db, read_only=True).server.test_client()
    dependencies = client.get("/_dash-dependencies").get_json()
    assert not [one for one in dependencies if "runs-change" in str(one)]
    page = ask(client, "page.children", {"url.pathname": "/"}).text
    assert "runs-edit" not in page
    asked = question_for(
        create_app(db).server.test_client().get("/_dash-dependencies").get_json(),
        "runs-changed.data",
        {"runs-change.data": {"put": {"one": {"name": "x"}}}},
    )
    assert client.post(UPDATE, json=asked).status_code == 400


def test_nobody_changes_anything_from_elsewhere_or_without_the_token(
    db: str, client: FlaskClient, store: Store
) -> None:
    dependencies = client.get("/_dash-dependencies").get_json()
    wanted = {"put": {store.resolve("one"): {"name": "owned"}}}
    asked = question_for(dependencies, "runs-changed.data", {"runs-change.data": wanted})
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post(UPDATE, json=asked, headers=headers).status_code == 403
    client.get(UPDATE, json=asked)
    guarded = create_app(db, token="a-token").server.test_client()
    assert guarded.post(UPDATE, json=asked).status_code == 401
    assert shown(store, "name") == [["one"], ["two"]]


@pytest.mark.parametrize(
    "wanted",
    [
        {"put": {"one": {"name": 5}}},
        {"put": {"one": {"status": "finished"}}},
        {"put": {"one": ["name"]}},
        {"put": {"one": {"tags": [1]}}},
        {"put": {"one": {"tags": {"set": ["x"]}}}},
        {"put": {"one": {"archived": 1}}},
        {"put": {"one": {"name": "x" * 10_001}}},
        {"delete": "one"},
        {"then": "prune"},
        {"run": "one"},
        ["one"],
    ],
    ids=str,
)
def test_odd_changes_are_refused(client: FlaskClient, store: Store, wanted: Any) -> None:
    answer = ask(client, "runs-changed.data", {"runs-change.data": wanted})
    assert answer.status_code == 400
    assert shown(store, "name", "status") == [["one", "finished"], ["two", "finished"]]


def test_a_database_that_cannot_be_written_is_said(
    db: str, client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lossmon.errors import StoreError

    def fails(*_: Any) -> None:
        raise StoreError("expected a database to write. Received: a read-only one. Fix: chmod u+w")

    monkeypatch.setattr(Store, "change", fails)
    assert change(client, put={"one": {"name": "x"}}) == {
        "said": "expected a database to write. Received: a read-only one. Fix: chmod u+w",
        "failed": True,
        "at": None,
    }
