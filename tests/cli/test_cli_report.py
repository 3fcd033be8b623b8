"""`lossmon report` writes one file, and figures where they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, Seeded


def test_a_page_is_written_beside_no_other_file(
    invoke: Invoke, seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("report", "healthy", "faulty", "--db", str(Path(seeded.db).resolve()))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "lossmon: wrote lossmon-report.html\n"
    assert [path.name for path in tmp_path.iterdir()] == ["lossmon-report.html"]
    assert "accuracy-with-regression" in Path("lossmon-report.html").read_text()


def test_markdown_links_its_figures(invoke: Invoke, seeded: Seeded, tmp_path: Path) -> None:
    target = tmp_path / "docs" / "report.md"
    target.parent.mkdir()
    options = ("--format", "md", "-o", str(target), "--figures", str(tmp_path / "my figures"))
    assert invoke("report", "healthy", *options).exit_code == 0
    assert "](../my%20figures/run-1-curves.svg)" in target.read_text()
    assert (tmp_path / "my figures" / "run-1-curves.png").exists()


def test_a_report_can_go_to_standard_output(invoke: Invoke, seeded: Seeded) -> None:
    done = invoke("report", "healthy", "--format", "md", "-o", "-")
    assert done.stdout.startswith("# healthy\n")
    assert "### Findings\n\nNone." in done.stdout


def test_a_directory_that_is_not_there_is_said(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("report", "healthy", "-o", str(tmp_path / "none" / "report.html"))
    assert done.exit_code == 2
    assert "Received: " in done.stderr
    assert invoke("report", "nobody").exit_code == 1
