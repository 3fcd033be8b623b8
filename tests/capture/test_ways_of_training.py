"""Every way of training is verified, or says why not; README repeats the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from tests.capture.ways import VERIFIED, WAYS, Way, table
from tests.documents import README, text_of

HERE = [way for way in WAYS if keras.backend.backend() in way.only]


@pytest.mark.parametrize("way", HERE, ids=[way.name for way in HERE])
def test_each_way_is_verified_or_says_why_not(way: Way, record: Callable[..., Any]) -> None:
    recorded = way.fit(record)
    assert recorded.document["troubles"] == []
    train = [row for row in recorded.epochs if row["split"] == "train"]
    assert train
    verdict, reason = way.expected
    if verdict == VERIFIED:
        assert {(row["status"], row["reason"]) for row in recorded.epochs} == {("verified", None)}
        assert {row["coverage"] for row in recorded.epochs} == {1.0}
        assert {row["status"] for row in recorded.batches} == {"verified"}
        return
    assert {row["status"] for row in train} == {verdict.split()[0].rstrip(":")}
    assert all(reason in row["reason"] for row in train)


def test_the_readme_repeats_the_table() -> None:
    assert table() in text_of(README)
