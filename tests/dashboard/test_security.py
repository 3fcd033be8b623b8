from __future__ import annotations

import re
from pathlib import Path

import lossmon_dashboard
import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app
from lossmon_dashboard.components.panel import GRAPH_CONFIG
from lossmon_dashboard.security import host_name, is_loopback
from lossmon_dashboard.server import allowed_hosts, page_address

TOKEN = "a-token"
ASSETS = Path(lossmon_dashboard.__file__).parent / "assets"


@pytest.fixture
def client(database: str) -> FlaskClient:
    return create_app(database).server.test_client()


@pytest.fixture
def guarded(database: str) -> FlaskClient:
    app = create_app(database, hosts=allowed_hosts("0.0.0.0"), token=TOKEN)
    return app.server.test_client()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8050", "[::1]:8050", "LOCALHOST:1"])
def test_loopback_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8050", "10.0.0.1"]
)
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/assets/lossmon.css"])
def test_other_names_are_refused(client: FlaskClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "Expected: 127.0.0.1" in answer.text


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/assets/view.js"])
def test_nothing_is_served_without_the_token(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code == 401
    assert guarded.get(path, query_string={"token": "wrong"}).status_code == 401
    assert guarded.get(path, headers={"Cookie": "lossmon_token=wrong"}).status_code == 401
    assert guarded.get(path, query_string={"token": "é"}).status_code == 401


def test_callbacks_are_not_answered_without_the_token(guarded: FlaskClient) -> None:
    assert guarded.post("/_dash-update-component", json={}).status_code == 401


def test_the_token_is_sent_once_and_leaves_the_address(guarded: FlaskClient) -> None:
    first = guarded.get("/run/latest", query_string={"token": TOKEN, "scale": "log"})
    assert (first.status_code, first.headers["Location"]) == (302, "/run/latest?scale=log")
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert guarded.get("/run/latest").status_code == 200


def test_the_redirect_cannot_lead_elsewhere(guarded: FlaskClient) -> None:
    answer = guarded.get("//evil.example/", query_string={"token": TOKEN})
    assert not answer.headers.get("Location", "").startswith(("//", "http"))


def test_literal_addresses_are_answered_where_others_may_ask(guarded: FlaskClient) -> None:
    query = {"token": TOKEN}
    allowed = guarded.get("/", headers={"Host": "10.1.2.3:8050"}, query_string=query)
    assert allowed.status_code == 302
    assert guarded.get("/", headers={"Host": "evil.example"}, query_string=query).status_code == 421


def test_pages_may_run_and_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in re.search("script-src[^;]*", policy).group()  # pyright: ignore[reportOptionalMemberAccess]
    assert "http" not in policy
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_assets_name_no_other_site() -> None:
    texts = [path.read_text() for path in ASSETS.iterdir() if path.suffix in (".css", ".js")]
    assert texts
    assert not [text for text in texts if re.search("https?://", text)]


def test_charts_cannot_be_uploaded() -> None:
    assert GRAPH_CONFIG["plotlyServerURL"] == ""
    assert "sendChartToCloud" in GRAPH_CONFIG["modeBarButtonsToRemove"]


@pytest.mark.parametrize(
    ("header", "name"),
    [("a:80", "a"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", ""), ("A.b", "a.b")],
)
def test_host_names_lose_their_port(header: str, name: str) -> None:
    assert host_name(header) == name


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "", "10.0.0.1", "box.example"]))


def test_addresses_to_open_carry_the_token() -> None:
    assert page_address("127.0.0.1", 8050, None) == "http://127.0.0.1:8050/"
    assert page_address("::1", 1, "t") == "http://[::1]:1/?token=t"
