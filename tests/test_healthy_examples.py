"""Examples that are right stay silent to the end, whatever the seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lossmon
from lossmon.demo import examples_directory

HEALTHY = ("breast_cancer_sigmoid", "diabetes_regression", "digits_cnn")
SEEDS = range(101, 107)


def silent(name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train one example with another seed; nothing is flagged, then or on the way."""
    source = (examples_directory() / f"{name}.py").read_text()
    seeded, count = re.subn(r"set_random_seed\(\d+\)", f"set_random_seed({seed})", source)
    assert count == 1
    monkeypatch.setenv("LOSSMON_DB", str(tmp_path / "runs.db"))
    said: list[str] = []
    monkeypatch.setattr(
        "lossmon.capture.terminal._print", lambda *lines: said.append("\n".join(lines))
    )
    exec(compile(seeded, name, "exec"), {"__name__": "__main__"})
    document = lossmon.open_store().run_document("latest")
    assert [f["code"] for f in document["findings"] if f["severity"] != "info"] == []
    assert said == []
    assert document["verified"] == 1.0


@pytest.mark.parametrize("name", HEALTHY[:2])
def test_a_healthy_example_says_nothing_but_its_result(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    silent(name, 100, tmp_path, monkeypatch)
    printed = capfd.readouterr()
    assert "lossmon" not in printed.err
    assert printed.out.splitlines()[-1].startswith("validation ")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_examples_are_silent_with_many_seeds(
    name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(name, seed, tmp_path, monkeypatch)
