"""Sites as browsers know them, all on one port: pages that hold frames, and a reverse proxy."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from werkzeug.serving import generate_adhoc_ssl_context

_PATIENCE = 60.0
_OF_ONE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Proxied:
    """A port of this machine, as a proxy serves it.

    Attributes:
        port: which.
        prefix: the path below which it is served, which the proxy takes off.
        keep_host: whether the proxy passes on the name that the browser asked for, else it says
            `localhost`, and the name in `X-Forwarded-Host`.
    """

    port: int
    prefix: str = ""
    keep_host: bool = True


@dataclass(slots=True)
class Sites:
    """What is served, by the name that the browser asks for.

    Attributes:
        port: of this machine, where all of them are, by HTTPS.
        pages: the HTML of every path of a site that is not below `prefix` of `proxied`.
        proxied: by name.
        statuses: of all that was answered by a proxy.
    """

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict[str, str])
    proxied: dict[str, Proxied] = field(default_factory=dict[str, Proxied])
    statuses: list[int] = field(default_factory=list[int])


class _Server(ThreadingHTTPServer):
    # Closing it waits for them, so that none is left with an open connection.
    daemon_threads = False
    sites: Sites

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: browsers end connections as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE

    def do_GET(self) -> None:
        sites, name = cast("_Server", self.server).sites, self.headers["Host"]
        behind = sites.proxied.get(name)
        if behind is not None and self.path.startswith(f"{behind.prefix}/"):
            self._pass_on(sites, behind, name)
            return
        page = "<html><head><link rel=icon href=data:,></head><body>" + sites.pages.get(name, "")
        self._answer(200, [("Content-Type", "text/html; charset=utf-8")], page.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def _pass_on(self, sites: Sites, behind: Proxied, name: str) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OF_ONE_HOP}
        headers |= {"X-Forwarded-Host": name, "X-Forwarded-Proto": "https"}
        headers["Host"] = name if behind.keep_host else f"localhost:{behind.port}"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # The browser may be gone before the answer is: that must leave no connection open.
        with closing(HTTPConnection("127.0.0.1", behind.port, timeout=_PATIENCE)) as connection:
            connection.request(self.command, self.path.removeprefix(behind.prefix), body, headers)
            answer = connection.getresponse()
            sites.statuses.append(answer.status)
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _OF_ONE_HOP]
            self._answer(answer.status, kept, answer.read())

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving_sites() -> Generator[Sites]:
    """Serve sites by HTTPS, with a certificate that nobody vouches for."""
    server = _Server(("127.0.0.1", 0), _Handler)
    # Hands are shaken where a request is read, so that no connection keeps others waiting.
    server.socket = generate_adhoc_ssl_context().wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.sites = Sites(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.sites
    finally:
        server.shutdown()
        server.server_close()
