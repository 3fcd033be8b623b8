"""`lossmon report` writes one file, and figures where they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lossmon.records import EpochRecord, SampleRecord, SampleSet
from lossmon.store import RunWriter
from tests.analysis.trained import recorded
from tests.cli.conftest import Invoke, Seeded
from tests.dashboard.seed import SOFTMAX, Scenario


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


def test_a_rise_is_told_with_the_samples_that_it_comes_from(invoke: Invoke, tmp_path: Path) -> None:
    db, rng = str(tmp_path / "runs.db"), np.random.default_rng(0)
    truth = rng.normal(size=2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-3 * truth))).astype(np.int64)
    known = SampleSet(np.arange(2000).astype(np.uint64), "inputs", labels)
    scenario = Scenario("surer", metric=SOFTMAX)
    writer = RunWriter.open(db, scenario.record(), scenario.output_records())
    for epoch in range(20):
        scores = (3 + 0.3 * epoch) * (truth + 0.02 * rng.normal(size=2000))
        share = 1 / (1 + np.exp(-scores))
        row = recorded(epoch, "val", np.stack([1 - share, share], axis=1), labels)
        losses = np.logaddexp(0, -(2 * labels - 1) * scores).astype(np.float32)
        right, sure = (share > 0.5) == labels, np.maximum(share, 1 - share).astype(np.float32)
        predicted = (share > 0.5).astype(np.int64)
        record = SampleRecord(epoch, "val", None, losses, right, sure, predicted, known)
        writer.write(epochs=[EpochRecord(time=0.0, **row)], samples=[record])
    writer.finish("finished")
    writer.close()
    told = invoke("report", "surer", "--db", db, "--format", "md", "-o", "-").stdout
    assert "samples that were misclassified before and after" in told
    assert "numbers " in told
