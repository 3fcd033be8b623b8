from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lossmon_dashboard
import pytest
from flask.testing import FlaskClient
from lossmon_dashboard import create_app
from lossmon_dashboard.components.panel import GRAPH_CONFIG
from lossmon_dashboard.security import MOST_BYTES, host_name, is_loopback
from lossmon_dashboard.server import allowed_hosts, login_link, page_address
from werkzeug.test import TestResponse

from tests.dashboard.asking import ask

TOKEN = "a-token"
ASSETS = Path(lossmon_dashboard.__file__).parent / "assets"
OTHER_SITES = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": "http://localhost:9999"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


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


def log_in(client: FlaskClient, token: str = TOKEN, page: str = "/", **more: Any) -> TestResponse:
    return client.post("/login", data={"token": token, "next": page}, **more)


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/assets/view.js"])
def test_nothing_is_served_without_the_token(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code == 401
    assert guarded.get(path, headers={"Cookie": "lossmon_token=wrong"}).status_code == 401
    for offered in ("Bearer wrong", f"Basic {TOKEN}", "Bearer", "Bearer \xe9"):
        assert guarded.get(path, headers={"Authorization": offered}).status_code == 401


def test_callbacks_are_not_answered_without_the_token(guarded: FlaskClient) -> None:
    assert guarded.post("/_dash-update-component", json={}).status_code == 401


def test_an_address_never_carries_the_token(guarded: FlaskClient) -> None:
    assert guarded.get("/", query_string={"token": TOKEN}).status_code == 401
    assert guarded.post("/login", query_string={"token": TOKEN}).status_code == 401
    answer = log_in(guarded, page="/run/latest?scale=log")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/run/latest?scale=log")
    assert TOKEN not in str(answer.headers)


def test_logging_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(
    guarded: FlaskClient,
) -> None:
    cookie = log_in(guarded).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert guarded.get("/run/latest").status_code == 200


def test_programs_send_the_token_as_a_header(guarded: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/_dash-layout", headers=headers).status_code == 200


def test_a_wrong_token_is_told_and_the_page_is_kept(guarded: FlaskClient) -> None:
    for token in ("wrong", "", "é", "\ud800"):
        answer = log_in(guarded, token.encode("utf-8", "replace").decode(), page="/rules")
        assert answer.status_code == 401
        assert "not the token" in answer.text
        assert 'name="next" type="hidden" value="/rules"' in answer.text
        assert "Set-Cookie" not in answer.headers


def test_a_cookie_of_another_start_is_worth_nothing(database: str, guarded: FlaskClient) -> None:
    cookie = log_in(guarded).headers["Set-Cookie"].partition(";")[0]
    other = create_app(database, hosts=allowed_hosts("0.0.0.0"), token="another")
    headers = {"Cookie": cookie}
    assert other.server.test_client().get("/", headers=headers).status_code == 401


def test_the_login_page_runs_its_own_script_and_shows_what_it_was_given_as_text(
    guarded: FlaskClient,
) -> None:
    headers = {"Accept": "text/html,*/*;q=0.8"}
    answer = guarded.get('/x"><script>alert(1)</script>', headers=headers)
    assert answer.status_code == 401
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, flags=re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "page", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", ""]
)
def test_the_redirect_cannot_lead_elsewhere(guarded: FlaskClient, page: str) -> None:
    location = urlsplit(log_in(guarded, page=page).headers["Location"])
    assert (location.scheme, location.netloc) == ("", "")
    assert re.match(r"/(?![/\\])", location.path)


@pytest.mark.parametrize("headers", OTHER_SITES, ids=str)
def test_nothing_is_taken_from_pages_of_other_sites(
    client: FlaskClient, guarded: FlaskClient, headers: dict[str, str]
) -> None:
    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 403
    assert log_in(guarded, headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost", "https://localhost", None])
def test_its_own_pages_and_programs_are_answered(client: FlaskClient, origin: str | None) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": origin} if origin else {}
    answer = client.post("/_dash-update-component", json={}, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # What the browser says, or the proxy: the page is of the address that it asks.
        ({"Origin": "https://hub.example.org:8443", "Sec-Fetch-Site": "same-origin"}, 400),
        ({"Origin": "http://hub.example.org", "X-Forwarded-Host": "hub.example.org"}, 400),
        ({"Origin": "https://a.colab.dev", "Sec-Fetch-Site": "same-origin"}, 400),
        # Another port of the same machine, another name, or nobody says so.
        ({"Origin": "http://hub.example.org:81", "X-Forwarded-Host": "hub.example.org"}, 403),
        ({"Origin": "https://hub.example.org", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://hub.example.org"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, 403),
        ({"Origin": "https://evilcolab.dev", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "null", "X-Forwarded-Host": ""}, 403),
        ({"Origin": "http://localhost:9999", "X-Forwarded-Host": "localhost:9999"}, 403),
    ],
    ids=str,
)
def test_a_proxy_may_ask_by_another_name_than_the_browser(
    database: str, headers: dict[str, str], status: int
) -> None:
    hosts = allowed_hosts("127.0.0.1") | {"hub.example.org", "*.colab.dev"}
    client = create_app(database, hosts=hosts).server.test_client()
    answer = client.post("/_dash-update-component", json=[], headers=headers)
    assert answer.status_code == status, answer.text


def test_a_star_stands_for_the_names_that_end_so(database: str) -> None:
    app = create_app(database, hosts=allowed_hosts("127.0.0.1") | {"*.colab.dev"})
    client = app.server.test_client()
    for host, status in (("a.b.colab.dev", 200), ("colab.dev", 421), ("evilcolab.dev", 421)):
        assert client.get("/", headers={"Host": host}).status_code == status


def test_only_questions_and_logging_in_are_posted(database: str) -> None:
    rules = create_app(database, token=TOKEN).server.url_map.iter_rules()
    changing = {rule.rule for rule in rules if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}}
    assert changing == {"/_dash-update-component", "/chart", "/login", "/news"}


def test_a_database_is_only_ever_read(database: str, client: FlaskClient) -> None:
    before = Path(database).read_bytes()
    for output, values in {
        "page.children": {"url.pathname": "/run/latest"},
        "runs-grid.getRowsResponse": {"runs-grid.getRowsRequest": {"startRow": 0}},
        "run-history-drawn.data": {"run-id.data": "latest"},
    }.items():
        assert ask(client, output, values).status_code == 200
    assert Path(database).read_bytes() == before


def test_a_long_request_is_not_read(client: FlaskClient) -> None:
    answer = client.post("/_dash-update-component", data=b" " * (MOST_BYTES + 1))
    assert answer.status_code in (413, 415)
    headers = {"Content-Type": "application/json"}
    answer = client.post("/_dash-update-component", data=b" " * (MOST_BYTES + 1), headers=headers)
    assert answer.status_code == 413


def test_literal_addresses_are_answered_where_others_may_ask(guarded: FlaskClient) -> None:
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/", headers=token | {"Host": "10.1.2.3:8050"}).status_code == 200
    assert guarded.get("/", headers=token | {"Host": "evil.example"}).status_code == 421


def test_pages_may_run_and_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in re.search("script-src[^;]*", policy).group()  # pyright: ignore[reportOptionalMemberAccess]
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
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


def test_addresses_to_open_carry_the_token_where_browsers_keep_it() -> None:
    assert page_address("127.0.0.1", 8050) == "http://127.0.0.1:8050/"
    assert login_link(page_address("::1", 1), "t") == "http://[::1]:1/#token=t"
    assert not urlsplit(login_link("http://a:1/", "t")).query
