"""What is ignored or graded anew holds while training, and is kept with the run and shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from lossmon_dashboard.components.findings import finding_panel

import lossmon
from lossmon.cli import cli
from tests.capture.conftest import dense, features

REAL = np.linspace(-2.5, 3.5, 72)


def seed_case() -> Any:
    model = dense(1, None)
    model.compile(loss="mse", metrics=["accuracy"])
    return model


def test_changes_are_stored_and_shown(
    record: Any, db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOSSMON_IGNORE", "LM5")
    run = record(seed_case(), features(), REAL, monitor={"rules": {"severity": {"LM301": "info"}}})
    found = run.document["findings"]
    assert [(f["code"], f["severity"]) for f in found if f["code"] < "LM4"] == [("LM301", "info")]
    assert capsys.readouterr().err == ""
    ignored, graded = run.document["rules"]
    assert ignored["rules"] == [f"LM50{number}" for number in range(1, 8)]
    assert ignored["source"] == "$LOSSMON_IGNORE"
    assert graded == {
        "change": "severity",
        "rules": ["LM301"],
        "severity": "info",
        "source": "Monitor(rules=…)",
    }
    shown = CliRunner().invoke(cli, ["show", "latest", "--db", db], env={"COLUMNS": "200"}).output
    assert "LM507 ignored ($LOSSMON_IGNORE)" in shown
    assert "LM301 counted as info (Monitor(rules=…))" in shown
    assert "counted as info" in str(finding_panel(found, run.document["rules"]))


def test_an_unchanged_run_says_nothing_of_rules(record: Any) -> None:
    assert record(seed_case(), features(), REAL).document["rules"] == []


def test_strict_looks_at_severities_after_the_changes(record: Any) -> None:
    strict = {"strict": True, "rules": {"severity": {"LM301": "warning"}}}
    assert record(seed_case(), features(), REAL, monitor=strict).document["status"] == "finished"
    graver = {"strict": True, "rules": {"severity": {"LM111": "error"}}}
    with pytest.raises(lossmon.InvalidCombination) as refused:
        record(seed_case(), features(), np.arange(72) % 2, monitor=graver)
    assert [finding.code for finding in refused.value.findings] == ["LM111"]


def test_check_takes_rules() -> None:
    def codes(**rules: Any) -> list[str]:
        found = lossmon.check(seed_case(), features(), REAL, rules=rules or None)
        return [finding.code for finding in found]

    assert codes() == ["LM301"]
    assert codes(ignore=["LM301"]) == []
    with pytest.raises(lossmon.InvalidArgument, match=r"check\(rules=…\).*LM999"):
        codes(select=["LM999"])
