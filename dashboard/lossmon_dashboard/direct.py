"""What pages ask again and again, answered before Flask's routing and hooks, by the same rules.

These take longer than most of such questions. Whoever may not ask, and what goes wrong, is told so
by the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

import flask

from lossmon_dashboard.asked import answering
from lossmon_dashboard.security import MOST_BYTES, Rules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Answer = Callable[[bytes], tuple[str, int]]
NO_STORE = {"Cache-Control": "no-store"}


def answer_directly(server: flask.Flask, path: str, rules: Rules, tell: Answer) -> None:
    """Answer what is posted to a path.

    Args:
        server: the application, which answers the same where this does not.
        path: the path.
        rules: whom to answer, and with which headers.
        tell: says to the body of a request what is answered, as JSON, and with which status.
    """
    usual = server.wsgi_app

    def attempt(environ: WSGIEnvironment) -> tuple[str, int] | None:
        length = str(environ.get("CONTENT_LENGTH", ""))
        asked = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == path
        if not asked or not length.isdecimal() or int(length) > MOST_BYTES:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        request = server.request_class(environ)
        try:
            if rules.refusal(request) is not None:
                return None
            with server.app_context(), answering(request):
                return tell(body)
        except Exception:
            # It happens again, and is then told and logged.
            return None

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = attempt(environ)
        if answer is None:
            return usual(environ, start_response)
        text, status = answer
        told = text.encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(told))}
        start_response(
            f"{status} {HTTPStatus(status).phrase.upper()}",
            [*headers.items(), *NO_STORE.items(), *rules.headers.items()],
        )
        return [told]

    server.wsgi_app = application  # pyright: ignore[reportAttributeAccessIssue]
