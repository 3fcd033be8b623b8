"""Serve the dashboard with a production WSGI server."""

from __future__ import annotations

import gc
import re
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress

import dash
from waitress.server import create_server

from lossmon.errors import InvalidArgument, LossmonError
from lossmon.store import RunQuery, database_name, missing_part
from lossmon_dashboard.app import create_app
from lossmon_dashboard.figures.history import prepare_frames
from lossmon_dashboard.keyed import keyed
from lossmon_dashboard.security import (
    ANY_ADDRESS,
    ANY_NAME,
    LOOPBACK_HOSTS,
    MOST_BYTES,
    is_loopback,
)
from lossmon_dashboard.source import current_store

DEFAULT_PORT = 8050
_PATH = re.compile(r"/[\w\-.~/]*", re.ASCII)
_PORT = "{port}"
_FIRST_QUESTIONS_S = 2.0
_LOOK_AROUND_S = 10
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def serve(
    db: str | None = None,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    open_browser: bool = True,
    on_ready: Callable[[str], None] | None = None,
    *,
    allow_hosts: Collection[str] = (),
    prefix: str = "",
    frames: Sequence[str] = (),
    read_only: bool = False,
    key: str = "",
) -> None:
    """Serve the dashboard until the process is interrupted.

    Args:
        db: a path or a SQLAlchemy URL; the default database where None.
        host: the address to listen on. On any that is not loopback a token is required.
        port: the port; a free one is taken instead when the default is in use.
        open_browser: whether to open the page in a browser.
        on_ready: called with the address of the page once connections are accepted.
        allow_hosts: further names that the dashboard is reached by, e.g. that of a proxy; `{port}`
            in one stands for the port, and `*.example.org` for all names that end so.
        prefix: the path below which a proxy serves it, such as `/lossmon`, whether or not the proxy
            takes it off before it passes a request on; `{port}` in it stands for the port.
        frames: origins of pages that may hold the dashboard in a frame.
        read_only: whether runs can be looked at only.
        key: a secret part of the path, below `prefix`: who knows it is answered under whatever
            name, others are told nothing. None is asked for where it is empty.

    Raises:
        InvalidArgument: nothing can listen on that address and port, or `prefix` is no path.
    """
    shown = database_name(db)
    _path(prefix.replace(_PORT, "0"))
    listener = _listen(host, port)
    taken = str(listener.getsockname()[1])
    path = _path(prefix.replace(_PORT, taken))
    below = f"{path}/{key}" if key else path
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    hosts = allowed_hosts(host) | {name.lower().replace(_PORT, taken) for name in allow_hosts}
    hosts |= {ANY_NAME} if key else frozenset()
    app = create_app(db, hosts=hosts, token=token, read_only=read_only, prefix=below, frames=frames)
    # What is loaded now stays: collections need not go through it again within every long answer.
    gc.collect()
    gc.freeze()
    server = create_server(
        keyed(app.server, key) if key else app.server,
        sockets=[listener],
        threads=8,
        ident="lossmon",
        max_request_body_size=MOST_BYTES,
        url_prefix=path,
        # While nobody asks, it need not look each second whether somebody does: it is woken.
        asyncore_loop_timeout=_LOOK_AROUND_S,
        asyncore_use_poll=True,
    )
    url = page_address(host, int(taken), below)
    with closing(server), suppress(KeyboardInterrupt):
        sys.stdout.write(f"lossmon dashboard: {url}  (of {shown}; stop with Ctrl-C)\n")
        if missing_part(db) is not None:
            sys.stdout.write(
                "  no such database yet: runs show up as soon as one is recorded there\n"
            )
        if token is not None:
            sys.stdout.write(f"  token: {token}\n  or log in by: {login_link(url, token)}\n")
        sys.stdout.flush()
        _prepare(app)
        if on_ready is not None:
            on_ready(url)
        if open_browser:
            webbrowser.open(url)
        server.run()


def _prepare(app: dash.Dash) -> None:
    """Read beside the first questions what sorting and searching will need, and charts."""

    def read() -> None:
        time.sleep(_FIRST_QUESTIONS_S)
        prepare_frames()
        with app.server.app_context(), suppress(LossmonError):
            current_store().listed_runs(RunQuery(archived=True), measured=True)

    threading.Thread(target=read, name="lossmon-prepares", daemon=True).start()


def allowed_hosts(host: str) -> frozenset[str]:
    """The names that requests may be addressed to when listening on an address."""
    if is_loopback(host):
        return LOOPBACK_HOSTS | {host}
    names = {host.lower()} - _WILDCARDS
    own = {socket.gethostname().lower(), socket.getfqdn().lower()}
    return LOOPBACK_HOSTS | names | own | {ANY_ADDRESS}


def _path(prefix: str) -> str:
    """A prefix as `/path`, without a slash at its end; empty for none."""
    path = "/" + prefix.strip("/")
    if not _PATH.fullmatch(path):
        raise InvalidArgument(
            f"`prefix` must be a path of letters, digits and `-._~`. Received: {prefix!r}. "
            "Fix: e.g. --prefix /lossmon"
        )
    return path.rstrip("/")


def page_address(host: str, port: int, prefix: str = "") -> str:
    """The address to open."""
    name = socket.gethostname() if host in _WILDCARDS else host
    bracketed = f"[{name}]" if ":" in name else name
    return f"http://{bracketed}:{port}{prefix}/"


def login_link(address: str, token: str) -> str:
    """An address that logs in by itself: browsers keep to themselves what stands behind `#`."""
    return f"{address}#token={token}"


def _listen(host: str, port: int) -> socket.socket:
    fault: Exception | None = None
    for tried in (port, 0) if port == DEFAULT_PORT else (port,):
        try:
            return _bind(host, tried)
        # What is no name at all, or no port, is not always an `OSError`.
        except (OSError, OverflowError, TypeError, ValueError) as error:
            fault = error
    raise InvalidArgument(
        f"`host` and `port` must be free to listen on. Received: {host}:{port} ({fault}). "
        "Fix: choose another, e.g. --port 0 for any free one."
    ) from fault


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except Exception:
        listener.close()
        raise
    return listener
