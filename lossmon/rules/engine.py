"""Runs the rules over what is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lossmon.records import SEVERITIES, Finding
from lossmon.rules.facts import Facts
from lossmon.rules.registry import Rule, all_rules, is_own, select_rules
from lossmon.rules.selection import RuleSelection

OnError = Callable[[Rule, Exception], None]


def run_rules(
    facts: Facts,
    select: RuleSelection | Iterable[str] | None = None,
    *,
    on_error: OnError | None = None,
) -> list[Finding]:
    """Ask every rule what it finds.

    One rule's failure never silences another: it is passed to `on_error` and the rest goes on.

    Args:
        facts: what is known of the model, its labels and its training.
        select: the rules to ask and how grave their findings are, or just codes or names of the
            rules; None for all, as they are.
        on_error: called with the rule and the exception where a rule fails; without it the
            exception is raised after the other rules have been asked.

    Returns:
        The findings, gravest first.

    Raises:
        InvalidArgument: a code or name that no rule has.
        ExceptionGroup: rules failed and there is no `on_error`.
    """
    findings: list[Finding] = []
    failures: list[Exception] = []
    for rule in _rules(select):
        try:
            findings += _asked(rule, facts)
        except Exception as error:
            if on_error is None:
                failures.append(error)
            else:
                on_error(rule, error)
    if failures:
        raise ExceptionGroup("rules failed", failures)
    if isinstance(select, RuleSelection) and select.severity:
        findings = [replace(finding, severity=select.graded(finding)) for finding in findings]
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.code))


def _rules(select: RuleSelection | Iterable[str] | None) -> Iterable[Rule]:
    if select is None:
        return all_rules()
    return select.rules if isinstance(select, RuleSelection) else select_rules(select)


def _asked(rule: Rule, facts: Facts) -> list[Finding]:
    if is_own(rule):
        return list(rule.check(facts))
    # What another package's rule returns is stored with the run, and must not break that.
    try:
        found: list[Any] = list(rule.check(facts))
    except SystemExit as error:
        raise RuntimeError(f"the rule wanted to end the process: {error!r}") from error
    for finding in found:
        _fit_for_use(rule, finding)
    return found


def _fit_for_use(rule: Rule, finding: Any) -> None:
    if not isinstance(finding, Finding):
        raise TypeError(f"a rule must yield lossmon.Finding. Received: {finding!r}")
    if (finding.code, finding.rule) != (rule.code, rule.name):
        raise ValueError(
            f"findings must carry the code and name of their rule, {rule.code} and {rule.name!r}. "
            f"Received: {finding.code!r} and {finding.rule!r}"
        )
    if finding.severity not in SEVERITIES:
        raise ValueError(f"severity must be one of {SEVERITIES}. Received: {finding.severity!r}")
    texts: tuple[Any, ...] = (finding.message, finding.fix, finding.output or "")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"message, fix and output must be text. Received: {texts!r}")
    json.dumps(dict(finding.evidence))
