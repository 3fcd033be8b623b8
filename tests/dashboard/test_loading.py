"""The document that a page begins with, and the layout that it asks for first."""

from __future__ import annotations

import re
from typing import Any

import dash
import pytest
from lossmon_dashboard import create_app, library

NAME = "digits-overfit"
_GENERATORS = re.compile(r"\bregeneratorRuntime\.(\w+\(\w*)")
# Nothing but the generator itself, which stops at its end and goes nowhere else by name.
_WRAPPED = re.compile(
    r"\bregeneratorRuntime\.wrap\(function\((\w)\)\{for\(;;\)switch\(\1\.prev=\1\.next\)\{"
    r"(?:(?!\1\.(?:abrupt|delegateYield|catch|finish|t\d)\b)[^{}])*return \1\.stop\(\)\}\},\w\)"
)


def named(layout: Any, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """Properties of the components of a layout, by id."""
    found = {} if found is None else found
    for part in layout if isinstance(layout, list) else [layout]:
        if isinstance(part, dict):
            props = part.get("props", {})
            found |= {props["id"]: props} if "id" in props else {}
            named(props.get("children"), found)
    return found


def test_nothing_is_loaded_for_browsers_of_2015(app: dash.Dash) -> None:
    client = app.server.test_client()
    scripts = re.findall(r'<script src="([^"]+)"', client.get("/").text)
    assert not [script for script in scripts if "polyfill" in script]
    assert [script.partition("?")[0] for script in scripts[:2]] == [
        "/assets/early/viewer.js",
        "/assets/early/generators.js",
    ]
    assert len(set(scripts)) == len(scripts)
    answers = [client.get(script, buffered=True) for script in scripts]
    assert {answer.status_code for answer in answers} == {200}
    # What `generators.js` has of it is all that the others ask for: no more, no catching of errors.
    asked = [part for answer in answers[2:] for part in _GENERATORS.findall(answer.text)]
    assert set(asked) == {"mark(function", "wrap(function"}
    plain = [part for answer in answers[2:] for part in _WRAPPED.findall(answer.text)]
    assert len(plain) == asked.count("wrap(function") > 1


@pytest.mark.parametrize(
    ("path", "early"),
    [
        (f"/run/{NAME}", True),
        (f"/run/{NAME}?tab=settings", False),
        ("/run/nobody", False),
        ("/run", False),
        ("/", False),
    ],
)
def test_what_draws_charts_is_loaded_early_where_there_is_one(
    database: str, path: str, early: bool
) -> None:
    client = create_app(database, prefix="/below").server.test_client()
    links = re.findall(r'<link rel="preload"[^>]* href="([^"]+)"', client.get(path).text)
    assert (f"/below{library.PATH}" in links) == early
    assert {client.get(link.removeprefix("/below")).status_code for link in links} <= {200}


def test_a_page_comes_with_the_layout(app: dash.Dash) -> None:
    def laid_out(referer: str | None) -> dict[str, Any]:
        headers = {} if referer is None else {"Referer": referer}
        return named(app.server.test_client().get("/_dash-layout", headers=headers).get_json())

    parts = laid_out(f"http://localhost/run/{NAME}?axis=step")
    path = f"/run/{NAME}"
    assert (
        parts["place"]["data"] == parts["url"]["pathname"] == parts["seen"]["data"]["path"] == path
    )
    assert parts["run-history"]["figure"]["layout"]["meta"] == {"axis": "step"}
    assert parts["run-verdict"]["children"]
    assert NAME in str(parts["run-header"]["children"])
    # Browsers that do not tell the address are asked for it.
    for referer in (None, "", "http://[", "nowhere"):
        parts = laid_out(referer)
        assert "pathname" not in parts["url"]
        assert parts["page"].get("children") is None
