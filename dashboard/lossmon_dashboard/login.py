"""The token that a dashboard asks for where others can reach it.

It comes by the form of the login page, or by the header `Authorization: Bearer …` of a program. It
is never taken from an address: those end up in logs, histories and Referer headers. The link that
`lossmon dashboard` prints carries it behind `#`, which browsers send to nobody; the login page
reads it there, posts it, and is given a cookie that only this token makes valid.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable

import flask
from markupsafe import Markup
from werkzeug.wrappers import Response

from lossmon_dashboard.links import page_link

LOGIN = "/login"
Refusal = Response | tuple[str, int] | tuple[str, int, dict[str, str]]
Check = Callable[[flask.Request], Refusal | None]

_SCRIPT = """
const form = document.forms[0];
const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
if (token) {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    form.elements.token.value = token;
    form.submit();
}
"""
LOGIN_SCRIPT_HASH = f"'sha256-{b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"

_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>lossmon</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 24rem; padding: 1rem; }}
input, button {{ box-sizing: border-box; font: inherit; margin-top: .5rem; padding: .4rem;
  width: 100%; }}
</style>
</head>
<body>
<main>
<h1>lossmon</h1>
<p role="status">{words}</p>
<form method="post" action="{action}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{next_page}">
<button>Open the dashboard</button>
</form>
</main>
<script>{script}</script>
</body>
</html>
""")
_ASKED = (
    "This dashboard can be reached by others. It asks once for the token that it printed when it "
    "was started."
)
_WRONG = "That is not the token that this dashboard printed when it was started."


def register_login(server: flask.Flask, token: str) -> Check:
    """Take the token by the form of the login page.

    Args:
        server: the application to guard.
        token: what must be presented.

    Returns:
        What lets only those pass who have shown the token; others get the login page.
    """
    # Dashboards on other ports of the same host share its cookies, but not this one's name.
    cookie = f"lossmon_{_derived(token, 'cookie name')[:8]}"
    session = _derived(token, "session")

    def check_token(request: flask.Request) -> Refusal | None:
        if request.path == LOGIN and request.method == "POST":
            return None
        scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(offered.strip(), token):
            return None
        if _same(request.cookies.get(cookie, ""), session):
            return None
        return _refusal(request)

    def login() -> Response:
        target = _own_page(flask.request.form.get("next", "/"))
        if not _same(flask.request.form.get("token", "").strip(), token):
            return _login_page(_WRONG, target)
        answer = flask.redirect(page_link(target), code=303)
        answer.set_cookie(
            cookie, session, httponly=True, samesite="Lax", secure=flask.request.is_secure
        )
        return answer

    server.add_url_rule(LOGIN, "lossmon_login", login, methods=["POST"])
    return check_token


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _same(offered: str, expected: str) -> bool:
    return hmac.compare_digest(offered.encode("utf-8", "replace"), expected.encode())


def _refusal(request: flask.Request) -> Refusal:
    asks_for_page = request.method == "GET" and request.accept_mimetypes.accept_html
    if asks_for_page and not request.path.startswith(("/_", "/assets/")):
        return _login_page(_ASKED, request.full_path.removesuffix("?"))
    words = "A token is required. Fix: log in, or send the header `Authorization: Bearer TOKEN`."
    return words, 401, {"WWW-Authenticate": "Bearer"}


def _login_page(words: str, next_page: str) -> Response:
    page = _PAGE.format(
        words=words, action=page_link(LOGIN), next_page=next_page, script=Markup(_SCRIPT)
    )
    headers = {"Cache-Control": "no-store"}
    return flask.Response(page, 401, headers, mimetype="text/html")


def _own_page(target: str) -> str:
    """A path of this dashboard, whatever was sent: a redirect must not lead elsewhere."""
    # Browsers drop control characters and read a backslash as a slash.
    cleaned = "".join(sign for sign in target if sign.isprintable()).replace("\\", "/")
    return "/" + cleaned.lstrip("/")
