"""Who may ask, under which name and from which page, and what a page may do.

The dashboard shows source paths, command lines and results, so it answers only to names it knows (a
web page that points its own name at this machine gets nothing), takes nothing that another site's
page sends, asks for a token where others can reach it, and forbids pages to load or run anything
that is not served from here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import flask
from dash.exceptions import DependencyException
from werkzeug.datastructures import Headers

from lossmon_dashboard.login import LOGIN_SCRIPT_HASH, Refusal, register_login

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = "any literal address"
ANY_NAME = "any name"
MOST_BYTES = 4 * 2**20
"""The longest request that is read: a selection of some thousand runs."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Guard = Callable[[flask.Request], Refusal | None]


class Rules(NamedTuple):
    """What holds for every request.

    Attributes:
        guards: each says why it does not answer a request; None where it lets it pass.
        headers: of every answer.
    """

    guards: tuple[Guard, ...]
    headers: Mapping[str, str]

    def refusal(self, request: flask.Request) -> Refusal | None:
        """Why a request is not answered; None where it is."""
        return next(filter(None, (check(request) for check in self.guards)), None)


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guard(
    server: flask.Flask,
    *,
    hosts: frozenset[str],
    token: str | None,
    scripts: Sequence[str],
    frames: Sequence[str] = (),
) -> Rules:
    """Put every request to the server under the rules.

    Args:
        server: the application to guard.
        hosts: names that requests may be addressed to; with `ANY_ADDRESS` among them, also every
            literal IP address (which no other site can claim as its own name). `*.example.org`
            stands for all names that end so. With `ANY_NAME` all are answered, which is for an
            address that is itself a secret, see `lossmon_dashboard.keyed`.
        token: what must be presented, see `lossmon_dashboard.login`; None where none is required.
        scripts: hashes of the inline scripts that pages are made with.
        frames: origins of pages that may hold the dashboard in a frame; none by default.

    Returns:
        The rules, for what is answered without the server.
    """
    server.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    logins = () if token is None else (register_login(server, token),)
    rules = Rules((_host_guard(hosts), _origin_guard(hosts), *logins), _headers(scripts, frames))

    def add_headers(response: flask.Response) -> flask.Response:
        response.headers.update(rules.headers)
        return response

    server.before_request(lambda: rules.refusal(flask.request))
    server.register_error_handler(DependencyException, _unknown_part)
    server.after_request(add_headers)
    return rules


def host_name(header: str) -> str:
    """The name in a Host header, without its port: `[::1]:8050` → `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _host_guard(hosts: frozenset[str]) -> Guard:
    def check_host(request: flask.Request) -> tuple[str, int] | None:
        name = host_name(request.headers.get("Host", ""))
        if _is_known(name, hosts) or (ANY_ADDRESS in hosts and _is_address(name)):
            return None
        return (
            f"This dashboard does not answer to that name. Expected: {_readable(hosts)}. "
            "Fix: start it with --allow-host NAME.",
            421,
        )

    return check_host


def _is_known(name: str, hosts: frozenset[str]) -> bool:
    if name in hosts or ANY_NAME in hosts:
        return True
    return any(name.endswith(host[1:]) for host in hosts if host.startswith("*."))


def _readable(hosts: frozenset[str]) -> str:
    return ", ".join(sorted(hosts))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _origin_guard(hosts: frozenset[str]) -> Guard:
    """Refuse what a page of another site sends; programs that are no browsers name no origin."""

    def check_origin(request: flask.Request) -> tuple[str, int] | None:
        if request.method in _SAFE_METHODS:
            return None
        headers = request.headers
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        own = origin is None or _authority(origin) == headers.get("Host", "").lower()
        if site in {None, "same-origin", "none"} and (
            own or _is_of_proxy(origin or "", headers, hosts)
        ):
            return None
        return "This dashboard takes nothing that a page of another site sends.", 403

    return check_origin


def _is_of_proxy(origin: str, headers: Headers, hosts: frozenset[str]) -> bool:
    """Whether a page asked by the name of a proxy, which passed the request on under another.

    The name must be one that the dashboard was told of. That the page is of the very address it
    asks, port included, is known from the browser, or from the proxy: no page of another site can
    set either header.
    """
    authority = _authority(origin)
    name = host_name(authority)
    if not name or name in LOOPBACK_HOSTS or not _is_known(name, hosts):
        return False
    forwarded = headers.get("X-Forwarded-Host", "").partition(",")[0].strip().lower()
    return headers.get("Sec-Fetch-Site") == "same-origin" or forwarded == authority


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _unknown_part(_: Exception) -> tuple[str, int]:
    return "There is no such part of the page.", 404


def _headers(scripts: Sequence[str], frames: Sequence[str]) -> Mapping[str, str]:
    ancestors = " ".join(frames) or "'none'"
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join([*scripts, LOGIN_SCRIPT_HASH])}",
            # The component libraries style their parts from scripts.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {ancestors}",
        ]
    )
    fixed = {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if not frames:
        fixed["X-Frame-Options"] = "DENY"
    return fixed
