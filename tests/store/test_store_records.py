"""What several judgements made, before it is written."""

from __future__ import annotations

from lossmon.records import Finding
from lossmon.store import Records
from tests.store.made import OUTPUT


def finding(code: str, message: str = "") -> Finding:
    return Finding(code, "rule", "warning", None, message, "fix")


def test_a_finding_that_came_and_went_is_withdrawn() -> None:
    records = Records(findings=[finding("LM404"), finding("LM301")])
    records.extend(Records(withdrawn=[finding("LM404")]))
    assert [found.code for found in records.findings] == ["LM301"]
    assert [found.code for found in records.withdrawn] == ["LM404"]


def test_a_finding_that_went_and_came_back_stands() -> None:
    records = Records(withdrawn=[finding("LM404")])
    records.extend(Records(findings=[finding("LM404", "again")]))
    assert [found.message for found in records.findings] == ["again"]
    assert records.withdrawn == []


def test_outputs_are_as_they_were_described_last() -> None:
    records = Records(outputs=[OUTPUT])
    records.extend(Records())
    assert records.outputs == [OUTPUT]
    records.extend(Records(outputs=[]))
    assert records.outputs == []
    assert records
