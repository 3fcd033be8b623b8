"""What is told on standard error stands on lines of its own."""

from __future__ import annotations

import io

import pytest

from lossmon.capture.terminal import announce, say
from lossmon.records import Finding

LONG = f"model.compile(optimizer={'x' * 200!r})"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "begin"), [(_Terminal(), "\n"), (io.StringIO(), "")])
def test_a_trouble_does_not_go_on_a_progress_bar(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, begin: str
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    say("the disk is full")
    text = stream.getvalue()
    assert text.startswith(begin or "lossmon:")
    assert text.lstrip().count("\n") == 1


def test_a_finding_stands_on_lines_of_its_own_and_its_code_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = _Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    announce([Finding("LM301", "a-rule", "error", None, "word " * 40, LONG, {})])
    assert stream.getvalue().startswith("\n")
    assert LONG in stream.getvalue()


def test_each_rule_is_told_where_to_read_more_of(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    codes = ["LM301", "LM301", "LM409"]
    announce([Finding(code, "a-rule", "error", None, "why", "a fix", {}) for code in codes])
    more = [line.strip() for line in stream.getvalue().splitlines() if "More:" in line]
    assert more == ["More: lossmon rules LM301", "More: lossmon rules LM409"]
    assert stream.getvalue().endswith("LM409\n\n")
