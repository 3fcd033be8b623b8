"""Whatever is sent to the server, it answers with a page, a value or a clear refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lossmon_dashboard import create_app
from lossmon_dashboard.comparison_chart import Compared
from lossmon_dashboard.questions import VALUES
from lossmon_dashboard.run_tabs.history import Zoom, steps_around

from tests.dashboard.asking import ask, question_for, questions

UPDATE = "/_dash-update-component"
REFUSED = range(400, 500)
FUZZED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Control characters, lone surrogates and markup are among the texts.
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.sampled_from(["<img src=x onerror=alert(1)>", "../../etc/passwd", "'; DROP TABLE runs; --"]),
    st.sampled_from(["%00", "\0", "\ud800", "latest", "__proto__", "=cmd|' /C calc'!A0"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def client(database: str) -> FlaskClient:
    app = create_app(database)
    # What a callback raises must not pass for a refusal.
    app.server.config["PROPAGATE_EXCEPTIONS"] = True
    return app.server.test_client()


@pytest.fixture(scope="module")
def dependencies(client: FlaskClient) -> list[dict[str, Any]]:
    return client.get("/_dash-dependencies").get_json()


def test_what_each_property_may_be_is_told(dependencies: list[dict[str, Any]]) -> None:
    asked = [one for one in dependencies if one["clientside_function"] is None]
    taken = {
        f"{part['id']}.{part['property']}"
        for one in asked
        for part in (*one["inputs"], *one["state"])
    }
    assert taken == set(VALUES)


def test_every_question_of_a_page_is_answered(
    client: FlaskClient, dependencies: list[dict[str, Any]]
) -> None:
    for body in questions(dependencies, {"run-id.data": "digits-cnn"}):
        assert client.post(UPDATE, json=body).status_code in (200, 204), body["output"]


@FUZZED
@given(path=TEXT, names=st.lists(TEXT, max_size=3), values=st.lists(TEXT, max_size=3))
@pytest.mark.parametrize("page", ["/", "/run/", "/run/latest", "/compare", "/rules/", "/rules"])
def test_every_address_has_a_page(
    client: FlaskClient, page: str, path: str, names: list[str], values: list[str]
) -> None:
    known = ["q", "filter", "sort", "archived", "runs", "split", "detail", "value", "scale"]
    known += ["by", "group", "cols", "axis", "view", "measure", "all", "found", "output"]
    pairs = zip([*names, *known], [*values, *[path] * 21], strict=False)
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
    pathname = page + _quoted(path) if page.endswith("/") and page != "/" else page
    answer = ask(client, "page.children", {"url.pathname": pathname, "url.search": f"?{query}"})
    assert answer.status_code == 200
    assert client.get(f"{pathname}?{query}").status_code in (200, 308, *REFUSED)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@FUZZED
@given(place=st.sampled_from(sorted(VALUES)), value=JSON)
def test_odd_values_are_refused_or_answered(
    client: FlaskClient, dependencies: list[dict[str, Any]], place: str, value: Any
) -> None:
    usual = {"run-id.data": "digits-cnn", place: value}
    for body in questions(dependencies, usual):
        if any(place == f"{p['id']}.{p['property']}" for p in (*body["inputs"], *body["state"])):
            answer = client.post(UPDATE, json=body)
            assert answer.status_code in (200, 204, 400), (body["output"], value)


@FUZZED
@given(key=st.sampled_from(["output", "outputs", "inputs", "state", "changedPropIds"]), value=JSON)
def test_crafted_questions_are_refused(
    client: FlaskClient, dependencies: list[dict[str, Any]], key: str, value: Any
) -> None:
    body = question_for(dependencies, "run-history-drawn.data", {"run-id.data": "latest"})
    answer = client.post(UPDATE, data=json.dumps(body | {key: value}), headers=AS_JSON)
    assert answer.status_code in REFUSED or (key == "changedPropIds" and answer.status_code == 200)
    assert client.post(UPDATE, data=json.dumps(value), headers=AS_JSON).status_code in REFUSED


@FUZZED
@given(
    name=st.sampled_from(["runs", "split", "axis", "apart", "measure", "columns", "mark"]),
    value=JSON | st.fixed_dictionaries({"news": JSON, "last": JSON, "goes_on": JSON}),
)
def test_odd_questions_for_a_comparison_are_refused_or_answered(
    client: FlaskClient, name: str, value: Any
) -> None:
    run = client.post("/news", json={"place": "/run/digits-cnn"}).get_json()["run"]
    body: dict[str, Any] = {"place": "/compare", "compared": Compared((run,))._asdict()}
    (body if name == "mark" else body["compared"])[name] = value
    answer = client.post("/news", data=json.dumps(body), headers=AS_JSON)
    assert answer.status_code in (200, 400)


@FUZZED
@given(
    name=st.sampled_from(["place", "token", "shown", "view", "scheme", "zoom", "mark", "step"]),
    value=JSON,
)
def test_odd_questions_for_news_are_refused_or_answered(
    client: FlaskClient, name: str, value: Any
) -> None:
    body = {"place": "/run/latest", "token": None, name: value}
    answer = client.post("/news", data=json.dumps(body), headers=AS_JSON)
    assert answer.status_code in (200, 400)
    refusal = client.post("/news", data=json.dumps(value), headers=AS_JSON)
    assert refusal.status_code in REFUSED


AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "change",
    [
        {"output": "nothing.children"},
        {"outputs": {"id": "run-history-drawn", "property": "style"}},
        {"outputs": []},
        {"inputs": []},
        {"inputs": [{"id": ["x"], "property": {}}]},
        {"state": [{"id": "run-id", "property": "data"}, {"id": "run-id", "property": "data"}]},
        {"state": [{"id": "run-id", "property": "data", "value": 7}]},
        {"state": [{"id": "run-id", "property": "data", "value": "\ud800"}]},
    ],
    ids=str,
)
def test_a_refusal_says_what_is_wrong(
    client: FlaskClient, dependencies: list[dict[str, Any]], change: Mapping[str, Any]
) -> None:
    body = question_for(dependencies, "run-history-drawn.data", {"run-id.data": "latest"})
    answer = client.post(UPDATE, json={**body, **change})
    assert answer.status_code == 400
    assert "Expected a question of this dashboard. Received: " in answer.text


NUMBERS = st.integers(0, 200) | st.floats(0, 200)
ODD = JSON | st.sampled_from([-1, 2**53, 2**64, -(2**64), 1e308, float("nan"), [], {}, "x"])
VIEW: Mapping[str, st.SearchStrategy[str]] = {
    "detail": st.sampled_from(["both", "epochs", "batches", "x"]),
    "value": st.sampled_from(["recomputed", "own", "reported", "all"]),
    "axis": st.sampled_from(["epoch", "step", "time", "samples"]),
    "smooth": st.sampled_from(["0", "10", "-1"]),
    "output": st.sampled_from(["", "no-such"]),
}
PARTS: Mapping[str, st.SearchStrategy[Any]] = {
    "place": st.sampled_from(["/", "/run/latest", "/run/digits-cnn", "/run/digits-cnn", "/run/no"]),
    "shown": st.dictionaries(st.text("abc"), st.none() | st.just([1, 2]), max_size=2),
    "view": st.fixed_dictionaries({}, optional=dict(VIEW)),
    "scheme": st.sampled_from(["light", "dark"]),
    "zoom": st.tuples(st.sampled_from(["epoch", "step", "time"]), NUMBERS, NUMBERS).map(list),
    "step": st.integers(0, 200),
    "heard": st.text("0123-", max_size=9),
    "whole": st.booleans(),
}
SEEN = st.tuples(
    st.sampled_from(["loss", "time", "x"]), st.booleans(), NUMBERS, NUMBERS, st.just("")
)
MARKED: Mapping[str, st.SearchStrategy[Any]] = {
    "key": st.just("x"),
    "events": st.just("x"),
    **dict.fromkeys(("since", "before", "late", "place"), NUMBERS),
    "seen": st.fixed_dictionaries({"loss": SEEN.map(list), "accuracy": SEEN.map(list)}),
}


@settings(FUZZED, max_examples=150)
@given(data=st.data())
@pytest.mark.parametrize("path", ["/news", "/chart"])
def test_whatever_is_asked_of_news_has_an_answer_or_a_reason(
    client: FlaskClient, path: str, data: st.DataObject
) -> None:
    named = data.draw(st.sets(st.sampled_from([*PARTS, "mark"]))) | {"place"}
    body: Any = {name: data.draw(PARTS[name]) for name in sorted(named - {"mark"})}
    if "mark" in named:
        # As one that was told, but for a part or two.
        wanted = {name: body[name] for name in body.keys() & {"view", "scheme", "zoom"}}
        drawn = client.post("/chart", json={"place": "/run/digits-cnn", **wanted}).get_json()
        changed = sorted(data.draw(st.sets(st.sampled_from(list(MARKED)), max_size=2)))
        mark = drawn["mark"] | {name: data.draw(MARKED[name]) for name in changed}
        body |= {"view": {}, **wanted, "mark": mark}
    odd = data.draw(st.sampled_from([None, None, "all", "mark", "more", *sorted(body)]))
    if odd == "all":
        body = data.draw(ODD)
    elif odd == "mark" and "mark" in body:
        body["mark"][data.draw(st.sampled_from(list(MARKED)))] = data.draw(ODD)
    elif odd is not None:
        body[odd] = data.draw(ODD)
    query = _quoted(data.draw(TEXT))
    answer = client.post(path, data=json.dumps(body), query_string=f"a={query}")
    told = answer.get_json()
    if answer.status_code == 200:
        assert {"path", "figure"} & told.keys()
    else:
        assert answer.status_code in (400, 404)
        assert re.search("[Ee]xpected .+ Received: .+ Fix: ", told["error"], re.DOTALL)


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("POST", UPDATE, b"{"),
        ("POST", UPDATE, b"\xff"),
        ("POST", UPDATE, b'{"a":' * 50_000),
        ("POST", "/news", b"{"),
        ("POST", "/news", b'{"a":' * 50_000),
        ("POST", "/", b""),
        ("PUT", UPDATE, b"{}"),
        ("DELETE", "/run/latest", b""),
        ("GET", "/_dash-component-suites/os/path.js", b""),
        ("GET", "/_dash-component-suites/dash/../../../etc/passwd", b""),
        ("GET", "/assets/../../app.py", b""),
        ("GET", "/assets/%2e%2e/app.py", b""),
        ("POST", "/login", b"token=x"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_there_is_not_an_error(
    client: FlaskClient, method: str, path: str, data: bytes
) -> None:
    answer = client.open(path, method=method, data=data, headers=AS_JSON)
    assert answer.status_code in REFUSED
    assert "Traceback" not in answer.text


def test_a_zoom_is_read_with_room_on_both_sides() -> None:
    assert steps_around(None) is None
    assert steps_around(Zoom.of(["step", 100.5, 200.25])) == (50, 251)
    assert steps_around(Zoom.of(["step", 200, 0])) == (0, 300)
    assert steps_around(Zoom.of(["epoch", 1, 2])) is None


def test_a_zoomed_chart_holds_what_is_near_and_no_more(client: FlaskClient) -> None:
    answer = ask(
        client,
        "run-history-drawn.data",
        {"run-id.data": "digits-cnn", "run-span.data": ["step", 40, 60]},
    )
    lines = answer.get_json()["response"]["run-history-drawn"]["data"]["figure"]["data"]
    batches = next(line for line in lines if line["name"] == "train, each batch")
    epochs = next(line for line in lines if line["name"] == "train")
    assert batches["x"] == list(range(30, 71))
    assert epochs["x"] == [23, 35, 47, 59, 71]
