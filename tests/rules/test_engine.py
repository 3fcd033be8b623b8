"""The engine: selection, order, failures, other packages' rules, documentation."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from lossmon.errors import InvalidArgument
from lossmon.records import EpochRecord, Finding, LossSpec, MetricSpec, OutputRecord
from lossmon.rules import (
    Facts,
    OutputFacts,
    Rule,
    describe_labels,
    describe_predictions,
    describe_weights,
    registry,
    rule_faults,
    rule_pages,
    run_rules,
    select_rules,
)


def regression_with_accuracy() -> Facts:
    accuracy = MetricSpec("acc", "binary_accuracy", {"threshold": 0.5}, alias="acc")
    record = OutputRecord(
        None,
        shape=(None, 1),
        loss=LossSpec("mean_squared_error"),
        accuracy_metric=accuracy,
        metrics=(accuracy,),
    )
    values = [[25.5], [300.25], [346.0]]
    output = OutputFacts(
        record, describe_labels(values), describe_predictions(values), compiled_used=True
    )
    return Facts((output,))


def broken(_: Facts) -> Iterator[Finding]:
    raise ZeroDivisionError("a fault of the rule's own")


def rule(code: str, name: str, check: Any) -> ModuleType:
    module = ModuleType(name.replace("-", "_"), "A rule of another package.")
    module.__dict__.update(code=code, name=name, severity="warning", check=check)
    return module


@pytest.fixture
def _fresh() -> Iterator[None]:
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()


class Entry:
    """What `importlib.metadata.entry_points` gives."""

    value = "elsewhere.rules:own"

    def __init__(self, module: ModuleType | Exception) -> None:
        self.module = module

    def load(self) -> ModuleType:
        if isinstance(self.module, Exception):
            raise self.module
        return self.module


def test_nothing_known_is_nothing_found() -> None:
    assert run_rules(Facts(())) == []
    assert run_rules(Facts((OutputFacts(OutputRecord(None)),))) == []


def test_what_is_found_can_be_selected_by_code_and_name() -> None:
    facts = regression_with_accuracy()
    assert [f.code for f in run_rules(facts)] == ["LM301"]
    for key in ("LM301", "lm301", "accuracy-with-regression"):
        assert [f.code for f in run_rules(facts, [key])] == ["LM301"]
    assert run_rules(facts, ["LM201"]) == []
    assert run_rules(facts, []) == []


def test_a_rule_that_does_not_exist_is_named_with_its_neighbours() -> None:
    with pytest.raises(InvalidArgument, match=r"'LM39'.*LM309"):
        run_rules(Facts(()), ["LM39"])
    with pytest.raises(InvalidArgument, match="accuracy-with-regression"):
        select_rules(["accuracy-with-regresion"])


def test_findings_come_gravest_first() -> None:
    facts = regression_with_accuracy()
    epoch = EpochRecord(0, "train", None, 0.0, status="mismatch", reason="gap")
    output = facts.outputs[0]
    seen = describe_weights([0.5, 2.0, 1.0])
    lost = Facts((OutputFacts(output.record, output.labels, compiled_used=True, weights=seen),))
    findings = run_rules(lost.after([], [epoch]))
    assert [(f.severity, f.code) for f in findings] == [
        ("error", "LM301"),
        ("error", "LM402"),
        ("info", "LM308"),
    ]


@pytest.mark.usefixtures("_fresh")
def test_a_failing_rule_silences_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry(rule("XX001", "always-fails", broken))]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    failed: list[tuple[str, str]] = []

    def on_error(failing: Rule, error: Exception) -> None:
        failed.append((failing.code, str(error)))

    findings = run_rules(regression_with_accuracy(), on_error=on_error)
    assert [f.code for f in findings] == ["LM301"]
    assert failed == [("XX001", "a fault of the rule's own")]
    with pytest.raises(ExceptionGroup, match="rules failed"):
        run_rules(regression_with_accuracy())


@pytest.mark.usefixtures("_fresh")
def test_other_packages_bring_rules_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(facts: Facts) -> Iterator[Finding]:
        yield Finding("XX002", "always", "info", None, f"{len(facts.outputs)} outputs", "none")

    monkeypatch.setattr(
        registry, "entry_points", lambda group: [Entry(rule("XX002", "always", check))]
    )
    assert [f.message for f in run_rules(Facts(()), ["always"])] == ["0 outputs"]
    assert rule_pages(["XX002"])[0].summary == "A rule of another package."


@pytest.mark.usefixtures("_fresh")
def test_a_rule_that_cannot_be_loaded_is_said_and_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [Entry(ImportError("no such module"))]
    )
    assert [f.code for f in run_rules(regression_with_accuracy())] == ["LM301"]
    (fault,) = rule_faults()
    assert "elsewhere.rules:own" in fault
    assert "no such module" in fault


def test_the_rules_know_no_keras() -> None:
    import subprocess
    import sys

    code = "import sys, lossmon.rules; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
