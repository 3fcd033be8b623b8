"""The library that draws charts as browsers get it: what lines need at once, the rest later.

plotly.js prepares some fifty kinds of traces before it draws the first one, which takes a browser
half a second, and the charts that wait for it are made of lines. The text is that of the installed
package but for two places. Where those are not found, as in another version, it is left as it is.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib.resources import files

import flask

PATH = "/_dash-component-suites/plotly/package_data/plotly.min.js"
"""Where Dash looks for it."""

_LATER = "assets/early/kinds.js"
_WHOLE = ('} (typeof self !== "undefined" ? self : this, () => {', "}));")
"""How the library begins and ends: a function, which is run at once."""
_KINDS = re.compile(r"(?P<plotly>\w+)\.register\(\[(?P<kinds>\w+\(\)(?:,\w+\(\)){19,})\]\);")
"""Where it prepares its kinds of traces."""


def register(server: flask.Flask) -> None:
    """Answer with it where Dash would answer with the package's own."""
    server.add_url_rule(PATH, "lossmon_library", _answer)


def _answer() -> flask.Response:
    text, tag = _prepared()
    response = flask.Response(text, mimetype="text/javascript")
    response.set_etag(tag)
    response.cache_control.no_cache = True
    response.make_conditional(flask.request)
    return response


@lru_cache(maxsize=1)
def _prepared() -> tuple[bytes, str]:
    """The text, and what changes with it."""
    own = files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")
    later = files("lossmon_dashboard").joinpath(_LATER).read_text(encoding="utf-8")
    text = prepared(own, later).encode()
    return text, hashlib.sha256(text).hexdigest()


def prepared(text: str, later: str) -> str:
    """The library, some kinds of traces left to a script that is put behind it.

    Args:
        text: of the package.
        later: the script; it finds the kinds, a function each, in `Plotly.lossmonKinds`.

    Returns:
        `text` itself where it does not prepare its kinds as is expected.
    """
    places = list(_KINDS.finditer(text))
    if len(places) != 1:
        return text
    (place,) = places
    kinds = place["kinds"].replace("()", "")
    list_alone = f"{place['plotly']}.lossmonKinds=[{kinds}];"
    return _read_once(text[: place.start()] + list_alone + text[place.end() :]) + later


def _read_once(text: str) -> str:
    """Browsers look through a function before they run it, unless it is in parentheses."""
    begin, end = _WHOLE
    body = text.rstrip()
    if body.count(begin) != 1 or not body.endswith(end):
        return text
    return body.replace(begin, begin.replace("() =>", "(() =>")).removesuffix(end) + "})));\n"
