from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lossmon_dashboard.links import read_query, run_link, split_path


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (None, ("/", None)),
        ("/", ("/", None)),
        ("/run/abc", ("/run", "abc")),
        ("/run/", ("/run", None)),
        ("/rules/LM301", ("/rules", "LM301")),
    ],
)
def test_paths_split_into_page_and_argument(
    path: str | None, parts: tuple[str, str | None]
) -> None:
    assert split_path(path) == parts


@given(st.text(min_size=1))
def test_any_name_survives_an_address(name: str) -> None:
    assert split_path(run_link(name)) == ("/run", name)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_queries_survive_an_address(values: dict[str, str]) -> None:
    assert read_query("?" + urlencode(values)) == values
