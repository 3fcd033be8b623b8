"""The dashboard inside a notebook: a process of its own behind a frame in a cell.

A process of its own, so that a training in the same notebook loses nothing to it, and goes on being
watched while its cell runs. It ends with the notebook's kernel.
"""

from __future__ import annotations

import atexit
import html
import os
import re
import secrets
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from lossmon.errors import InvalidArgument, StoreError

_HEIGHT = 820
_LIGHT_HEIGHT = 840
_PORT = "{port}"
_ADDRESS = re.compile(r"http://[^/:]+:(\d+)\S*")

_COLAB = "google.colab"
# By which its pages reach ports of the kernel's machine; the latter is the older.
_COLAB_HOSTS = ("*.colab.dev", "*.googleusercontent.com")


class _Served(NamedTuple):
    """A process that serves, its port, and the secret part of its path or ""."""

    process: subprocess.Popen[str]
    port: int
    key: str


_started: dict[tuple[str, str, str], _Served] = {}


class InlineDashboard:
    """A dashboard in a cell: notebooks show it by `_repr_html_`.

    Attributes:
        url: its address, as the browser asks for it.
    """

    def __init__(self, url: str, height: int, port: int) -> None:
        self.url = url
        self._height = height
        self._port = port

    def _repr_html_(self) -> str:
        address = html.escape(self.url, quote=True)
        return (
            f'<iframe src="{address}" title="lossmon" width="100%" height="{self._height}" '
            'style="border: 0" allow="clipboard-write"></iframe>'
        )

    def _ipython_display_(self) -> None:
        # Only in Colab, whose pages reach no port of the kernel's machine, is a frame not enough.
        if _COLAB in sys.modules:
            colab: Any = import_module(f"{_COLAB}.output")
            path = "/" + self.url.split("/", 3)[-1]
            colab.serve_kernel_port_as_iframe(self._port, path=path, height=str(self._height))
            return
        shown: Any = sys.modules.get("IPython.display")
        if shown is not None:
            # Not as `HTML`, which warns of any frame that is not its own.
            shown.display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)

    def __repr__(self) -> str:
        return f"lossmon dashboard: {self.url}"


def dashboard(
    db: str | os.PathLike[str] | None = None,
    run: str | None = None,
    *,
    light: bool = False,
    height: int | None = None,
    proxy: str | None = None,
) -> InlineDashboard:
    """Show the dashboard in a cell of a notebook: the last line of the cell.

    It is served by a process of its own, which is started once for each database.

    Args:
        db: a path or a SQLAlchemy URL; `$LOSSMON_DB`, else `lossmon.db` here, where None.
        run: a run to open: an id, a name, or "latest", which turns to each new training as it
            begins; None for the list.
        light: only the head and the curves of the run: what one looks at while `fit` runs. The run
            is the latest where none is named.
        height: of the frame, in pixels; None for what it needs.
        proxy: the path under which the browser reaches a port of this machine where that is not
            its own, with `{port}` in it: "/proxy/{port}/" of a Jupyter server with
            jupyter-server-proxy, "/user/me/proxy/{port}/" of a JupyterHub with it. Or the whole
            address, where the page of the notebook is not of the same server, such as
            "https://NAME-{port}.app.github.dev/" of a codespace. None: found out from
            `$JUPYTERHUB_PUBLIC_URL` or `$JUPYTERHUB_SERVICE_PREFIX`, else the browser is on this
            machine.

    Returns:
        What the notebook shows; its `url` opens in a tab of its own.

    Raises:
        InvalidArgument: `proxy` has no `{port}` in it.
        StoreError: the dashboard could not be started.
    """
    behind = _proxy() if proxy is None else proxy
    if behind and _PORT not in behind:
        raise InvalidArgument(
            f"`proxy` must be a path with {_PORT} in it. Received: {proxy!r}. "
            'Fix: e.g. proxy="/user/me/proxy/{port}/"'
        )
    _, port, key = _served(None if db is None else os.fspath(db), behind)
    named = run or ("latest" if light else None)
    page = "" if named is None else f"run/{quote(named, safe='')}"
    path = f"{key}/{page}" if key else page
    view = "?light=1" if light else ""
    root = f"http://localhost:{port}/" if not behind else behind.replace(_PORT, str(port))
    high = (_LIGHT_HEIGHT if light else _HEIGHT) if height is None else height
    return InlineDashboard(f"{root.rstrip('/')}/{path}{view}", high, port)


def _proxy() -> str:
    # The former is the whole address of this user's server, the latter its path.
    names = ("JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_SERVICE_PREFIX")
    server = next((os.environ[name] for name in names if os.environ.get(name)), None)
    return f"{server.rstrip('/')}/proxy/{_PORT}/" if server else ""


def _served(db: str | None, behind: str) -> _Served:
    """The process that serves a database; it is started where there is none."""
    which = (db or os.environ.get("LOSSMON_DB", ""), str(Path.cwd()), behind)
    served = _started.get(which)
    if served is None or served.process.poll() is not None:
        served = _started[which] = _start(db, behind)
    return served


def _start(db: str | None, behind: str) -> _Served:
    address = urlsplit(behind)
    hosts = [address.hostname] if address.hostname else []
    hosts += _COLAB_HOSTS if _COLAB in sys.modules else ()
    # By which name browsers ask for a mere path cannot be known.
    key = secrets.token_urlsafe(16) if behind and not address.hostname else ""
    options = [f"--prefix={address.path}", f"--key={key}", *(f"--allow-host={h}" for h in hosts)]
    process = subprocess.Popen(
        [sys.executable, "-m", "lossmon_dashboard.framed", *options, *([] if db is None else [db])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    atexit.register(process.terminate)
    said = process.stdout.readline()
    found = _ADDRESS.search(said)
    if found is None:
        raise StoreError(
            f"the dashboard could not be started. Received: {said.strip() or 'nothing'}. "
            "Fix: `lossmon dashboard` in a terminal says why."
        )
    return _Served(process, int(found[1]), key)
