"""Who may ask, under which name, and what a page may do.

The dashboard shows source paths, command lines and results, so it answers only to names it knows (a
web page that points its own name at this machine gets nothing), asks for a token where others can
reach it, and forbids pages to load or run anything that is not served from here.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import flask
from werkzeug.wrappers import Response

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = "any literal address"
TOKEN_COOKIE = "lossmon_token"

Guard = Callable[[], Response | tuple[str, int] | None]


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guard(
    server: flask.Flask, *, hosts: frozenset[str], token: str | None, scripts: Sequence[str]
) -> None:
    """Put every request to the server under the rules.

    Args:
        server: the application to guard.
        hosts: names that requests may be addressed to; with `ANY_ADDRESS` among them, also every
            literal IP address (which no other site can claim as its own name).
        token: what a browser must present once as `?token=`; None where none is required.
        scripts: hashes of the inline scripts that pages are made with.
    """
    server.before_request(_host_guard(hosts))
    if token is not None:
        server.before_request(_token_guard(token))
    server.after_request(_headers(scripts))


def host_name(header: str) -> str:
    """The name in a Host header, without its port: `[::1]:8050` → `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _host_guard(hosts: frozenset[str]) -> Guard:
    def check_host() -> tuple[str, int] | None:
        name = host_name(flask.request.headers.get("Host", ""))
        if name in hosts or (ANY_ADDRESS in hosts and _is_address(name)):
            return None
        return f"This dashboard does not answer to that name. Expected: {_readable(hosts)}.", 421

    return check_host


def _readable(hosts: frozenset[str]) -> str:
    return ", ".join(sorted(hosts))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _token_guard(token: str) -> Guard:
    def check_token() -> Response | tuple[str, int] | None:
        query = flask.request.args.to_dict()
        offered = query.pop("token", None)
        if offered is not None and _same(offered, token):
            return _admit(query, token)
        if _same(flask.request.cookies.get(TOKEN_COOKIE, ""), token):
            return None
        return "A token is required. Fix: open the address that `lossmon dashboard` printed.", 401

    return check_token


def _same(offered: str, token: str) -> bool:
    return secrets.compare_digest(offered.encode(), token.encode())


def _admit(query: dict[str, str], token: str) -> Response:
    # The path comes without its host, so that the redirect cannot be turned elsewhere.
    target = "/" + flask.request.path.lstrip("/") + ("?" + urlencode(query) if query else "")
    answer = flask.redirect(target)
    answer.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="Lax")
    return answer


def _headers(scripts: Sequence[str]) -> Callable[[flask.Response], flask.Response]:
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(scripts)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )

    def add_headers(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return add_headers
