"""The library that draws charts, as browsers get it."""

from __future__ import annotations

from importlib.resources import files

import dash
from lossmon_dashboard import library

KINDS = [f"k{number}" for number in range(20)]
REGISTERED = f"P.register([{','.join(f'{kind}()' for kind in KINDS)}]);"
BEGIN, END = '(f\n} (typeof self !== "undefined" ? self : this, () => {', "return P;\n}));"


def test_kinds_of_traces_are_left_to_who_needs_them() -> None:
    changed = library.prepared(f"{BEGIN}{REGISTERED}{END}\n", "later();")
    begin = BEGIN.replace("() =>", "(() =>")
    kinds = f"P.lossmonKinds=[{','.join(KINDS)}];"
    assert changed == f"{begin}{kinds}return P;\n}})));\nlater();"


def test_a_library_of_another_make_is_left_as_it_is() -> None:
    few = REGISTERED.replace("k0(),", "")
    for text in ("", f"{BEGIN}{few}{END}", f"{BEGIN}{REGISTERED}{REGISTERED}{END}"):
        assert library.prepared(text, "later();") == text


def test_it_is_that_of_the_package_and_is_sent_once(app: dash.Dash) -> None:
    client = app.server.test_client()
    answer = client.get(library.PATH)
    own = files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")
    assert own[:100] == answer.text[:100]
    assert abs(len(answer.text) - len(own)) < 5_000
    again = client.get(library.PATH, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
