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
