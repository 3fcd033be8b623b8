"""A dashboard below a path that is a secret, for proxies whose name nobody can tell.

A Jupyter server serves a port of its machine below a path of its own, to those who are logged in to
it; its kernels do not know by which name browsers reach it. So the name cannot be checked, which
keeps off pages of other sites that point their own name at this machine. Such a page does not know
the path.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NOTHING = b"There is nothing here."


def keyed(application: WSGIApplication, key: str) -> WSGIApplication:
    """Answer only what is asked below `/key`, as if that were the root.

    Args:
        application: what answers.
        key: letters, digits and `-_`.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        first, _, rest = str(environ["PATH_INFO"]).removeprefix("/").partition("/")
        if not hmac.compare_digest(first.encode("latin-1"), key.encode()):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [_NOTHING]
        root = f"{environ['SCRIPT_NAME']}/{key}"
        return application(environ | {"SCRIPT_NAME": root, "PATH_INFO": f"/{rest}"}, start_response)

    return answer
