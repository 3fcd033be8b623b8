"""Which rules are asked: argument, environment, `pyproject.toml`, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lossmon.errors import InvalidArgument
from lossmon.rules import all_rules, change_text, rule_selection, run_rules
from tests.rules.test_engine import regression_with_accuracy

ALL = {rule.code for rule in all_rules()}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SELECT", "IGNORE", "SEVERITY"):
        monkeypatch.delenv(f"LOSSMON_{name}", raising=False)


def codes(*arguments: Any) -> set[str]:
    return set(rule_selection(*(("here", argument) for argument in arguments)).codes)


def project(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.lossmon]\n{text}\n")


def test_without_wishes_all_rules_are_asked_as_they_are() -> None:
    selection = rule_selection(("here", None))
    assert (set(selection.codes), selection.changes, dict(selection.severity)) == (ALL, (), {})


def test_codes_names_and_beginnings_select() -> None:
    assert codes(["LM301", "degenerate-labels"]) == {"LM301", "LM204"}
    assert codes(["lm5"]) == {code for code in ALL if code.startswith("LM5")}
    assert codes({"select": ["LM3"], "ignore": ["LM30", "LM310"]}) == set()
    assert codes({"ignore": ["LM307"]}) == ALL - {"LM307"}
    assert codes(()) == set()


@pytest.mark.parametrize("wrong", ["LM9", "LM39", "L", "3", "accuracy-with", ""])
def test_what_names_no_rule_is_refused_with_its_source(wrong: str) -> None:
    with pytest.raises(InvalidArgument, match=r"in here\. Received.*Fix:"):
        rule_selection(("here", {"ignore": [wrong]}))


def test_severities_change_what_is_found() -> None:
    selection = rule_selection(("here", {"severity": {"LM3": "warning", "LM301": "info"}}))
    (finding,) = run_rules(regression_with_accuracy(), selection)
    assert (finding.code, finding.severity) == ("LM301", "info")
    assert selection.severity["LM302"] == "warning"


def test_environment_counts_before_the_project_and_after_the_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, 'select = ["LM1"]\nseverity = {LM301 = "warning"}')
    assert codes() == {code for code in ALL if code.startswith("LM1")}
    monkeypatch.setenv("LOSSMON_SELECT", "LM2, LM301")
    monkeypatch.setenv("LOSSMON_SEVERITY", "LM301=info LM204=error")
    assert codes() == {code for code in ALL if code.startswith("LM2")} | {"LM301"}
    assert dict(rule_selection().severity) == {"LM301": "info", "LM204": "error"}
    assert codes(["LM307"]) == {"LM307"}
    graded = rule_selection(("here", {"severity": {"LM301": "error"}}))
    assert graded.severity["LM301"] == "error"


def test_what_a_weaker_source_ignores_must_be_selected_by_its_own_name(tmp_path: Path) -> None:
    project(tmp_path, 'ignore = ["LM307", "LM5"]')
    assert "LM307" not in codes(["LM3"])
    assert codes(["LM307"]) == {"LM307"}
    assert codes(["redundant-metric"]) == {"LM307"}
    assert codes({"ignore": ["LM301"]}).isdisjoint({"LM301", "LM307", "LM501"})


def test_the_nearest_project_with_a_table_counts(tmp_path: Path) -> None:
    below = tmp_path / "package" / "scripts"
    below.mkdir(parents=True)
    (tmp_path / "package" / "pyproject.toml").write_text("[project]\nname = 'lossmon-user'\n")
    project(tmp_path, 'ignore = ["LM307"]')
    selection = rule_selection(directory=below)
    assert set(selection.codes) == ALL - {"LM307"}
    (change,) = selection.changes
    assert change_text(change) == "LM307 ignored ([tool.lossmon] of ../../pyproject.toml)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('rules = ["LM301"]', "takes select, ignore, severity. Received: 'rules'"),
        ('ignore = "LM301"', "must be a list of strings"),
        ('ignore = ["LM999"]', "'LM999'"),
        ('severity = {LM301 = "off"}', "Received: LM301='off'"),
        ("ignore = [", "must be TOML"),
    ],
)
def test_a_faulty_project_is_named(tmp_path: Path, text: str, expected: str) -> None:
    project(tmp_path, text)
    with pytest.raises(InvalidArgument, match=r"pyproject\.toml") as caught:
        rule_selection()
    assert expected in str(caught.value)
    assert "Fix:" in str(caught.value)


def test_another_tool_s_broken_project_is_not_lossmon_s_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\ndependencies = ['lossmon']")
    assert codes() == ALL


def test_faulty_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSMON_SEVERITY", "LM301")
    with pytest.raises(InvalidArgument, match=r"\$LOSSMON_SEVERITY takes RULE=SEVERITY"):
        rule_selection()


def test_changes_are_told_in_words() -> None:
    wishes = {"select": ["LM3"], "ignore": ["LM307"], "severity": {"LM302": "error"}}
    assert [change_text(change) for change in rule_selection(("here", wishes)).changes] == [
        "only LM3 (here)",
        "LM307 ignored (here)",
        "LM302 counted as error (here)",
    ]
