"""What is answered before Flask is what Flask would have answered, to whom it would have."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from lossmon_dashboard import create_app
from lossmon_dashboard.framed import FRAMES
from lossmon_dashboard.security import MOST_BYTES
from lossmon_dashboard.server import allowed_hosts
from werkzeug.test import Client

from tests.dashboard.test_security import OTHER_SITES, TOKEN, log_in

LIST = json.dumps({"place": "/"})
CHART = json.dumps({"place": "/run/digits-cnn", "view": {"axis": "time"}, "mark": None})
BEARER = {"Authorization": f"Bearer {TOKEN}"}
QUESTIONS: tuple[tuple[dict[str, str], Any], ...] = (
    *(({}, body) for body in (LIST, CHART, "", "[", "{}", "null", '{"place": 1}')),
    *(({}, json.dumps({"place": place})) for place in ("/run/nobody", "/compare", "/run/\0")),
    ({"Cookie": "lossmon_zone=Asia/Tokyo"}, CHART),
    *((headers, LIST) for headers in OTHER_SITES),
    *(({"Host": host}, LIST) for host in ("evil.example", "10.0.0.1", "localhost:1", "[::1]", "")),
    *((BEARER | headers, CHART) for headers in ({}, {"Host": "evil.example"})),
    *((BEARER | headers, LIST) for headers in OTHER_SITES),
    ({"Authorization": "Bearer wrong"}, LIST),
    ({"Authorization": "Bearer \xe9"}, LIST),
    ({"Cookie": "lossmon_00000000=wrong"}, LIST),
    ({"Content-Length": "none"}, LIST),
    ({"Content-Length": str(MOST_BYTES + 1)}, LIST),
    ({}, " " * MOST_BYTES + LIST),
)
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"hosts": allowed_hosts("0.0.0.0"), "token": TOKEN},
    {"frames": FRAMES, "read_only": True, "prefix": "/below"},
)


@pytest.fixture(scope="module", params=WAYS)
def server(database: str, request: pytest.FixtureRequest) -> flask.Flask:
    return create_app(database, **request.param).server


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_ways_answer_alike(server: flask.Flask, question: tuple[dict[str, str], str]) -> None:
    headers, body = question
    root = "http://localhost/below"
    told = [
        Client(application).post("/news", data=body, headers=headers, base_url=root)
        for application in (server.wsgi_app, usual(server))
    ]
    alike = [(one.status, sorted(one.headers), one.get_data()) for one in told]
    assert alike[0] == alike[1]


def usual(server: flask.Flask) -> Any:
    """The application without what is answered directly."""
    return flask.Flask.wsgi_app.__get__(server)


def test_what_is_asked_again_and_again_does_not_go_through_flask(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = create_app(database, hosts=allowed_hosts("0.0.0.0"), token=TOKEN).server
    client = server.test_client()
    log_in(client)
    monkeypatch.setattr(flask.Flask, "full_dispatch_request", lambda _: flask.Response("by Flask"))
    assert client.get("/").text == "by Flask"
    assert client.post("/news", data=LIST).get_json()["path"] == "/"
    assert client.post("/chart", data=LIST).text == "by Flask"
    client.delete_cookie(next(iter(client._cookies.values())).key)
    assert client.post("/news", data=LIST).text == "by Flask"


def test_what_goes_wrong_is_told_as_always(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = create_app(database).server

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("lossmon_dashboard.news.news", fail)
    client = server.test_client()
    answer = client.post("/news", data=LIST)
    assert answer.status_code == 500
    assert "Content-Security-Policy" in answer.headers
