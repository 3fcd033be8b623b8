"""The dashboard as a notebook starts it: in a frame, and no longer than the notebook's kernel.

`python -m lossmon_dashboard.framed [DB] [--prefix PATH] [--allow-host HOST] [--key KEY]`;
`lossmon.dashboard` does so.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

from lossmon_dashboard.server import serve

FRAMES = (
    "'self'",
    *(
        f"{scheme}://{host}:*"
        for scheme in ("http", "https")
        for host in ("localhost", "127.0.0.1")
    ),
    # Each page around a frame is asked, up to the window: that of VS Code, and that of Colab.
    *("vscode-webview:", "vscode-file:"),
    *("https://*.vscode-cdn.net", "https://vscode.dev", "https://*.github.dev"),
    *(
        "https://*.googleusercontent.com",
        "https://*.colab.dev",
        "https://colab.research.google.com",
    ),
)
"""Who may hold it in a frame: notebooks of this machine, of VS Code and of Colab."""


def main() -> None:
    """Serve a database on any free port of this machine until standard input ends."""
    threading.Thread(target=_end_with_the_kernel, daemon=True).start()
    parser = argparse.ArgumentParser(prog="python -m lossmon_dashboard.framed")
    parser.add_argument("db", nargs="?")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--allow-host", action="append", default=[])
    parser.add_argument("--key", default="")
    given = parser.parse_args()
    # Where other pages may frame it, a click that was meant for them must change nothing.
    serve(
        given.db,
        port=0,
        open_browser=False,
        frames=FRAMES,
        read_only=True,
        prefix=given.prefix,
        allow_hosts=given.allow_host,
        key=given.key,
    )


def _end_with_the_kernel() -> None:
    # The pipe ends however the kernel ends, and no handler of its own could tell of a SIGKILL.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
