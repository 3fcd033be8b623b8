"""A network between a training and its PostgreSQL server that can fail, as a relay of TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager

from sqlalchemy import make_url

_PIECE = 65_536


class Network:
    """Relays connections to a server.

    Args:
        db: the URL of a database on it.

    Attributes:
        url: the same database, by this network.
    """

    def __init__(self, db: str) -> None:
        target = make_url(db)
        self._socket = target.query.get("host") or target.host
        self._port = target.port or 5432
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._open.set()
        self._lines: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        plain = target.set(host="127.0.0.1", port=port, query={})
        self.url = plain.render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Carry nothing any longer, and say nothing of it."""
        self._open.clear()

    def cut(self) -> None:
        """Break every connection, and carry nothing from then on."""
        self._open.clear()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Carry again."""
        self._open.set()

    def close(self) -> None:
        """Let go of all."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._open.wait()
        far = self._server()
        self._lines += [near, far]
        for line in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=line, daemon=True).start()

    def _server(self) -> socket.socket:
        place = str(self._socket)
        if not place.startswith("/"):
            return socket.create_connection((place, self._port))
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(f"{place}/.s.PGSQL.{self._port}")
        return server

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with closing(source), closing(sink), contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                self._open.wait()
                sink.sendall(piece)


@contextmanager
def network(db: str) -> Generator[Network]:
    """Give a network to a database for as long as the block takes."""
    made = Network(db)
    try:
        yield made
    finally:
        made.close()
