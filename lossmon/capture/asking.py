"""Asks the rules while a model is watched; a rule that fails is said once."""

from __future__ import annotations

from collections.abc import Callable

from lossmon.records import Finding
from lossmon.rules import Facts, Rule, RuleSelection, rule_faults, run_rules


class RuleAsker:
    """The rules that the user wants, ready to be asked again and again.

    Args:
        selection: which rules, and how grave their findings are; None for all as they are.
        tell: told once of each rule that fails, whatever it fails with later.
    """

    def __init__(self, selection: RuleSelection | None, tell: Callable[[str], None]) -> None:
        self._selection = selection
        self._tell = tell
        self._failed: set[str] = set()
        self._failing: set[str] = set()
        self._last: list[Finding] = []
        for fault in rule_faults():
            tell(fault)

    def __call__(self, facts: Facts) -> list[Finding]:
        """The findings, gravest first; of a rule that fails, those that it had made before."""
        self._failing = set()
        found = run_rules(facts, self._selection, on_error=self._on_error)
        self._last = found + [f for f in self._last if f.code in self._failing]
        return list(self._last)

    def _on_error(self, rule: Rule, error: Exception) -> None:
        self._failing.add(rule.code)
        if rule.code not in self._failed:
            self._failed.add(rule.code)
            self._tell(f"rule {rule.code} {rule.name} failed: {error!r}")
